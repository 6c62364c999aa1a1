import Postgres
import Secrets
import Tangle
import Ternary
import Vault

/// What transactions are found by. The names are part of what is hashed.
enum NodeLookupKind: String, Sendable {
    case transaction, address, bundle, tag
    /// A transaction outside of the bundle that is its trunk or branch: within the bundle each is
    /// the trunk of the one before.
    case approvee

    /// Bytes of a lookup's keyed hash.
    static let hashCount = 16

    /// What of a value goes into its keyed hash: of some its BLAKE2b-256, which is what Chrysalis
    /// knows an address by.
    func input(_ value: Trytes) -> [UInt8] {
        switch self {
        case .transaction, .address: Digest.blake2b(value.ascii)
        case .bundle, .tag, .approvee: value.ascii
        }
    }
}

/// An attachment that is kept whole, to be found by a node's commands.
struct NodeAttachment: Sendable {
    let channel: ChannelNumber
    let sequence: Int64
    let number: Int
    /// The attachment's.
    let period: Period
    /// Index 0 first, and their hashes.
    let transactions: [Transaction]
    let hashes: [Hash]

    /// An attachment of a stored message.
    init(_ kept: KeptAttachment, _ sequence: Int64, _ channel: ChannelNumber) {
        self.init(
            channel: channel, sequence: sequence, number: kept.number, period: kept.period,
            transactions: kept.transactions, hashes: kept.hashes)
    }

    init(
        channel: ChannelNumber, sequence: Int64, number: Int, period: Period,
        transactions: [Transaction], hashes: [Hash]
    ) {
        self.channel = channel
        self.sequence = sequence
        self.number = number
        self.period = period
        self.transactions = transactions
        self.hashes = hashes
    }

    /// A value by which some of the transactions are found.
    struct Lookup {
        let kind: NodeLookupKind
        let value: Trytes
        var indexes: [Int]
    }

    /// Every value that some of the transactions are found by, once each. Values of nines only
    /// are not looked for: nearly every transaction has them.
    var lookups: [Lookup] {
        struct Key: Hashable {
            let kind: NodeLookupKind
            let value: Trytes
        }
        var places: [Key: Int] = [:]
        var lookups: [Lookup] = []
        func add(_ kind: NodeLookupKind, _ value: Trytes, _ index: Int) {
            guard value.ascii.contains(where: { $0 != TryteAlphabet.nine }) else { return }
            let key = Key(kind: kind, value: value)
            if let place = places[key] {
                if lookups[place].indexes.last != index { lookups[place].indexes.append(index) }
            } else {
                places[key] = lookups.count
                lookups.append(Lookup(kind: kind, value: value, indexes: [index]))
            }
        }
        for (index, transaction) in transactions.enumerated() {
            add(.transaction, hashes[index].trytes, index)
            add(.address, transaction[.address], index)
            add(.bundle, transaction[.bundle], index)
            add(.tag, transaction[.tag], index)
            if index == transactions.count - 1 { add(.approvee, transaction[.trunk], index) }
            add(.approvee, transaction[.branch], index)
        }
        return lookups
    }
}

extension Archive {
    func nodeLookup(_ kind: NodeLookupKind, _ value: Trytes) -> [UInt8] {
        vault.nodeLookupHash(kind.input(value), domain: kind.rawValue)
    }

    /// Makes attachments known to a node's commands, in the transaction that stores them or under
    /// the lock of their channel's row; those that are known already, or gone meanwhile, are left
    /// out.
    func insertNodeLookups(
        of attachments: [NodeAttachment], on connection: PostgresConnection
    ) async throws {
        guard !attachments.isEmpty else { return }
        let sealed = try attachments.map(sealedHashes)
        var place: [Int32] = []
        var lookups: [[UInt8]] = []
        var indexes: [[UInt8]?] = []
        for (index, attachment) in attachments.enumerated() {
            for lookup in attachment.lookups {
                place.append(Int32(index))
                lookups.append(nodeLookup(lookup.kind, lookup.value))
                let isAll = lookup.indexes.count == attachment.transactions.count
                indexes.append(isAll ? nil : NodeIndexes.encode(lookup.indexes))
            }
        }
        _ = try await connection.execute(
            """
            with new as (
                select k.place, k.channel, k.sequence, k.number, a.period, k.sealed_hashes
                from unnest($1::bigint[], $2::bigint[], $3::integer[], $4::bytea[])
                    with ordinality as k (channel, sequence, number, sealed_hashes, place)
                join attachment a on a.channel = k.channel and a.sequence = k.sequence
                    and a.number = k.number
                where k.sealed_hashes is not null),
            stored as (
                insert into node_attachment (channel, sequence, number, period, sealed_hashes)
                select channel, sequence, number, period, sealed_hashes from new
                on conflict (channel, sequence, number) do nothing
                returning channel, sequence, number)
            insert into node_lookup (channel, sequence, number, lookup, transactions)
            select channel, sequence, number, l.lookup, l.transactions
            from unnest($5::integer[], $6::bytea[], $7::bytea[]) as l (place, lookup, transactions)
                join new on new.place = l.place + 1
                join stored using (channel, sequence, number)
            """,
            [
                .int64Array(attachments.map(\.channel.rawValue)),
                .int64Array(attachments.map(\.sequence)),
                .int32Array(attachments.map { Int32($0.number) }), .bytesArray(sealed),
                .int32Array(place), .bytesArray(lookups), .bytesArray(indexes),
            ])
    }

    /// Nil where the attachment's period was forgotten meanwhile.
    private func sealedHashes(of attachment: NodeAttachment) throws -> [UInt8]? {
        do {
            return try vault.seal(
                NodeHashes(attachment).encoded,
                SealedColumn.nodeHashes.context(
                    attachment.channel, attachment.period,
                    row: SealedColumn.attachmentRow(
                        attachment.sequence, number: attachment.number)))
        } catch VaultError.forgotten {
            return nil
        }
    }
}

/// What a bundle's transactions are made of beside its evidence: the plaintext of
/// `node_attachment.sealed_hashes`.
///
/// Layout: version 1; address, bundle hash, then the hash of each transaction, index 0 first, 49
/// bytes of t5b1 each.
struct NodeHashes: Sendable {
    let address: Hash
    let bundle: Hash
    let hashes: [Hash]

    private static let version: UInt8 = 1

    init(_ attachment: NodeAttachment) {
        address = attachment.transactions.first?.address ?? .null
        bundle = attachment.transactions.first?.bundle ?? .null
        hashes = attachment.hashes
    }

    var encoded: [UInt8] {
        [Self.version] + address.packed + bundle.packed + hashes.flatMap(\.packed)
    }

    /// - Throws: whatever shows that `bytes` are not what `encoded` gave.
    init(encoded bytes: [UInt8]) throws {
        var reader = ByteReader(bytes)
        guard try reader.read(UInt8.self) == Self.version else { throw ByteReader.Mismatch() }
        address = try Hash(packed: reader.read(Hash.packedCount))
        bundle = try Hash(packed: reader.read(Hash.packedCount))
        let rest = reader.readRest()
        guard rest.count % Hash.packedCount == 0 else { throw ByteReader.Mismatch() }
        hashes = try stride(from: 0, to: rest.count, by: Hash.packedCount).map {
            try Hash(packed: rest[$0..<$0 + Hash.packedCount])
        }
    }
}

/// Indexes in a bundle, two bytes each, big-endian.
enum NodeIndexes {
    static func encode(_ indexes: [Int]) -> [UInt8] {
        indexes.flatMap { [UInt8(truncatingIfNeeded: $0 >> 8), UInt8(truncatingIfNeeded: $0)] }
    }

    static func decode(_ bytes: [UInt8]) -> [Int] {
        stride(from: 0, to: bytes.count - 1, by: 2).map { Int(bytes[$0]) << 8 | Int(bytes[$0 + 1]) }
    }
}
