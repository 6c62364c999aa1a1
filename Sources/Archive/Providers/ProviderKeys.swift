import Foundation
import MAM
import NTRU
import Postgres
import Secrets
import Tangle
import Ternary
import Vault

/// A key pair of the archive as a service provider, to which owners encrypt side keys.
package struct ProviderKey: Sendable {
    /// Random and never used again: the path of its keys in the key tree.
    package let number: ChannelNumber
    /// The IOTA address by which owners' messages name the provider.
    package let address: Hash
    package let key: PrivateKey
    package let createdAt: Date

    package init(number: ChannelNumber, address: Hash, key: PrivateKey, createdAt: Date) {
        self.number = number
        self.address = address
        self.key = key
        self.createdAt = createdAt
    }
}

extension Archive {
    /// Key pairs an archive has: each may have to be tried on what names its address.
    package static let providerKeyLimit = 16

    /// Keeps a key pair; the seed is not kept.
    ///
    /// - Parameters:
    ///   - seed: of an existing identity; nil makes a new one.
    ///   - address: by which owners name this provider; nil takes the seed's first.
    /// - Throws: `ArchiveError.providerKeyExists`, `.tooManyProviderKeys`.
    package func addProviderKey(seed: Seed? = nil, address: Hash? = nil, now: Date) async throws
        -> ProviderKey
    {
        let seed = try seed ?? Self.randomSeed()
        let key = try Self.privateKey(seed)
        let address = try address ?? WalletAddress.first(ofSeed: Hash(trytes: seed.revealTrytes()))
        return try await pool.withTransaction { connection in
            // One at a time, so that none is kept twice.
            _ = try await connection.execute("lock table provider_key in share row exclusive mode")
            let known = try await providerKeys(on: connection)
            guard known.count < Self.providerKeyLimit else {
                throw ArchiveError.tooManyProviderKeys(limit: Self.providerKeyLimit)
            }
            guard
                !known.contains(where: {
                    $0.address == address && $0.key.publicKey == key.publicKey
                })
            else { throw ArchiveError.providerKeyExists }
            let number = try vault.newChannelNumber()
            let packed = SecretBytes(count: Self.providerKeyCount) { memory in
                memory.copyBytes(from: address.packed)
                key.copyPacked(
                    to: UnsafeMutableRawBufferPointer(rebasing: memory[Hash.packedCount...]))
            }
            let column = SealedColumn.providerKey
            _ = try await connection.execute(
                "insert into provider_key (number, sealed_key, created_at) values ($1, $2, $3)",
                [
                    .int64(number.rawValue),
                    .bytes(try vault.seal(packed, column.context(number))), .timestamp(now),
                ])
            try await recordAct(.providerKeyMade, now: now, on: connection)
            return ProviderKey(number: number, address: address, key: key, createdAt: now)
        }
    }

    /// The address, then the packed private key.
    private static let providerKeyCount = Hash.packedCount + PrivateKey.packedCount

    private static func privateKey(_ seed: Seed) throws -> PrivateKey {
        try SecretBytes(copying: seed.revealTrytes().ascii).withBytes {
            try PrivateKey(seed: $0, .sodium)
        }
    }

    private static func randomSeed() throws -> Seed {
        var ascii: [UInt8] = []
        while ascii.count < Hash.tryteCount {
            // The largest multiple of 27 that a byte holds, so that all trytes are as likely.
            ascii += randomBytes(Hash.tryteCount).filter { $0 < 243 }.map {
                TryteAlphabet.character(of: Int($0))
            }
        }
        return try Seed(String(decoding: ascii.prefix(Hash.tryteCount), as: UTF8.self))
    }

    /// All key pairs, the newest first.
    package func providerKeys() async throws -> [ProviderKey] {
        try await pool.withConnection { try await providerKeys(on: $0) }
    }

    func providerKeys(on connection: PostgresConnection) async throws -> [ProviderKey] {
        let rows = try await connection.query(
            "select number, sealed_key, created_at from provider_key order by created_at desc, number"
        )
        return try rows.map { row in
            let number = try row.channelNumber("number")
            let column = SealedColumn.providerKey
            let packed: SecretBytes
            do {
                packed = try vault.openSecret(row.bytes("sealed_key"), column.context(number))
            } catch VaultError.wrongKeyOrDamaged {
                throw ArchiveError.damaged(table: column.table, channel: number)
            }
            return try packed.withBytes { packed in
                guard packed.count == Self.providerKeyCount,
                    let address = try? Hash(packed: packed.prefix(Hash.packedCount)),
                    let key = try? PrivateKey(
                        packed: UnsafeRawBufferPointer(rebasing: packed[Hash.packedCount...]))
                else { throw ArchiveError.damaged(table: column.table, channel: number) }
                return ProviderKey(
                    number: number, address: address, key: key,
                    createdAt: try row.timestamp("created_at"))
            }
        }
    }
}
