import Archive
import ArchiveTestSupport
import Crawler
import Foundation
import MAM
import Synchronization
import Tangle
import Ternary
import TestSupport
import Vault

import struct Tangle.Bundle

/// What the crawler's tests put at addresses.
enum Written {
    /// A bundle as a client attaches it, index 0 first.
    static func bundle(_ payload: Trytes, at address: Hash, time: Int64 = 1_700_000_000_000)
        throws -> Bundle
    {
        let built = try BundleBuilder.bundle(
            address: address, messageTrytes: payload, tag: Trytes(validated: []),
            timestamp: time / 1000)
        return try Bundle(
            Attachment.attach(
                built, trunk: .null, branch: .null, minWeightMagnitude: 0,
                attachmentTimestamp: time))
    }

    static func channel(
        _ seed: Character, mode: ChannelMode = .private, sideKey: SideKey? = nil, leaves: Int = 1,
        tree: UInt64 = 0
    ) throws -> ChannelWriter {
        try ChannelWriter(
            seed: Seed(String(repeating: seed, count: 81)), mode: mode, sideKey: sideKey,
            securityLevel: 1, leavesPerTree: leaves, tree: tree)
    }
}

/// Junk as a flood has it; its hashes are made up, which a source in memory cannot tell.
struct Junk {
    let address: Hash
    var generator: SeededGenerator

    mutating func hash() -> Hash { Hash(of: generator.trytes(81), at: 0) }

    /// Random trytes with the address.
    mutating func noise() throws -> (Hash, Transaction) {
        let trytes = generator.trytes(Transaction.tryteCount)
        return (
            hash(), try Transaction(trytes: trytes[0..<2187] + address.trytes + trytes[2268..<2673])
        )
    }

    /// A tail whose bundle goes on where nobody knows anything.
    mutating func incompleteTail() throws -> (Hash, Transaction) {
        var fields = TransactionFields()
        fields.address = address
        fields.lastIndex = 1
        fields.bundle = hash()
        fields.trunk = hash()
        return (hash(), try fields.transaction())
    }

    /// A valid bundle of one transaction whose payload is noise.
    mutating func completeTail() throws -> (Hash, Transaction) {
        let bundle = try BundleBuilder.bundle(
            address: address, messageTrytes: generator.trytes(2187), tag: Trytes(validated: []),
            timestamp: Int64.random(in: 1...1_000_000_000, using: &generator))
        return (hash(), bundle[0])
    }
}

/// A source that writes down what it is asked for.
final class WatchedSource: TangleSource {
    private let source: MemoryTangle
    private let asked = Mutex<[Hash: Int]>([:])
    private let sighted = Mutex<[Hash]>([])

    init(_ source: MemoryTangle) { self.source = source }

    /// How often each transaction was given.
    var given: [Hash: Int] { asked.withLock { $0 } }
    /// The addresses asked for, in order.
    var addresses: [Hash] { sighted.withLock { $0 } }

    func sighting(at address: Hash) async throws -> Sighting {
        sighted.withLock { $0.append(address) }
        return try await source.sighting(at: address)
    }

    func transactions(_ hashes: [Hash]) async throws -> [Hash: Transaction] {
        let found = try await source.transactions(hashes)
        asked.withLock { asked in
            for hash in found.keys { asked[hash, default: 0] += 1 }
        }
        return found
    }

    func confirmed(_ hashes: [Hash]) async throws -> [Hash: Int32?] {
        try await source.confirmed(hashes)
    }
}

extension MemoryTangle {
    func add(_ bundle: Bundle) {
        for (transaction, hash) in zip(bundle.transactions, bundle.hashes) {
            add(transaction, hash: hash)
        }
    }
}
