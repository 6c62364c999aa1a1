import Tangle
import Ternary

/// A bundle without what its message's head and its channel tell already, as bytes, and back.
///
/// The head of a message is the start of its payload, and the address follows from the root;
/// the rest is here: signature and siblings, and of the envelopes what cannot be derived.
/// A bundle's last trunk and branch, its times, tags and nonces are kept; its hash, its
/// inner trunks and its indexes follow. Encoding decodes what it wrote and compares: a
/// bundle that would not come back to the trit is kept as it is (layout 0), so every
/// encoded bundle comes back exactly.
package enum EvidenceEncoding {
    enum Layout {
        static let whole: UInt8 = 0
        static let compact: UInt8 = 1
    }

    /// How the values of one field stand for all transactions of a bundle.
    enum Column {
        static let nines: UInt8 = 0
        static let same: UInt8 = 1
        static let each: UInt8 = 2
    }

    static let columns: [TransactionLayout.Field] = [
        .value, .obsoleteTag, .timestamp, .tag, .attachmentTimestamp,
        .attachmentTimestampLowerBound, .attachmentTimestampUpperBound, .nonce,
    ]

    static let fragmentCount = TransactionLayout.Field.signatureMessageFragment.range.count

    /// - Parameters:
    ///   - head: the first trytes of the bundle's payload, kept elsewhere.
    ///   - address: the address at which the bundle was found.
    ///   - payload: the bundle's; nil has it put together.
    package static func encode(
        _ bundle: Bundle, head: Trytes, address: Hash, payload: Trytes? = nil
    ) -> [UInt8] {
        let compact = encodeCompact(
            bundle, payload: payload ?? bundle.messageTrytes, headCount: head.count)
        let back = try? restored(
            compact, head: head, address: address, bundle: bundle.bundleHash, hashes: bundle.hashes)
        return back?.has(bundle.transactions) ?? false
            ? compact : encodeWhole(bundle.transactions)
    }

    /// A bundle as it is, for which nothing else is known.
    package static func encodeWhole(_ transactions: [Transaction]) -> [UInt8] {
        var writer = ByteWriter()
        writer.write(Layout.whole)
        writer.write(UInt16(transactions.count))
        for transaction in transactions { writer.write(transaction.packed) }
        return writer.bytes
    }

    private static func encodeCompact(
        _ bundle: Bundle, payload: Trytes, headCount: Int
    ) -> [UInt8] {
        let transactions = bundle.transactions
        var writer = ByteWriter()
        writer.write(Layout.compact)
        writer.write(UInt16(transactions.count))
        let payload = payload.ascii
        let nine = TryteAlphabet.nine
        let filled = payload.lastIndex { $0 != nine }.map { $0 + 1 } ?? 0
        let rest = payload[min(headCount, filled)..<filled]
        writer.write(UInt32(rest.count))
        writer.write(packing: rest)
        for field in columns { encode(field, of: transactions, into: &writer) }
        guard let last = transactions.last else { return writer.bytes }
        let trunk = last.trytes.ascii[TransactionLayout.Field.trunk.range]
        writer.write(packing: trunk)
        encodeBranches(of: transactions, last, likely: trunk, into: &writer)
        return writer.bytes
    }

    private static func encode(
        _ field: TransactionLayout.Field, of transactions: [Transaction],
        into writer: inout ByteWriter
    ) {
        let values = transactions.map { $0.trytes.ascii[field.range] }
        guard let first = values.first, values.allSatisfy({ $0 == first }) else {
            writer.write(Column.each)
            for value in values { writer.write(packing: value) }
            return
        }
        let nine = TryteAlphabet.nine
        if first.allSatisfy({ $0 == nine }) {
            writer.write(Column.nines)
        } else {
            writer.write(Column.same)
            writer.write(packing: first)
        }
    }

    /// Clients give every transaction but the last the bundle's trunk as its branch.
    private static func encodeBranches(
        of transactions: [Transaction], _ last: Transaction, likely: ArraySlice<UInt8>,
        into writer: inout ByteWriter
    ) {
        let range = TransactionLayout.Field.branch.range
        if transactions.dropLast().allSatisfy({ $0.trytes.ascii[range] == likely }) {
            writer.write(Column.same)
            writer.write(packing: last.trytes.ascii[range])
        } else {
            writer.write(Column.each)
            for transaction in transactions {
                writer.write(packing: transaction.trytes.ascii[range])
            }
        }
    }

    /// - Returns: The bundle's transactions, index 0 first.
    /// - Throws: whatever shows that `bytes` are not what `encode` gave.
    package static func decode(_ bytes: [UInt8], head: Trytes, address: Hash) throws
        -> [Transaction]
    {
        try restore([(bytes, head, address)])[0].get().transactions()
    }

    /// Many bundles of one message or of several, whose hashes are computed side by side: of
    /// each bundle the last transaction's first, which the one before it refers to.
    ///
    /// - Returns: For each what it was, nothing of it missing, or the error.
    static func restore(
        _ encoded: [(bytes: [UInt8], head: Trytes, address: Hash)]
    ) -> [Result<RestoredBundle, any Error>] {
        let restored = encoded.map { one in
            Result { try begin(one.bytes, head: one.head, address: one.address) }
        }
        var open = restored.compactMap { try? $0.get() }
        var rows: [UInt8] = []
        rows.reserveCapacity(min(open.count, rowsAtOnce) * Transaction.tryteCount)
        while !open.isEmpty {
            for start in stride(from: 0, to: open.count, by: rowsAtOnce) {
                let some = open[start..<min(start + rowsAtOnce, open.count)]
                rows.removeAll(keepingCapacity: true)
                for bundle in some { bundle.appendNext(to: &rows) }
                let hashes = TransactionHashing.hashes(ofRows: rows)
                for (number, bundle) in some.enumerated() {
                    let place = number * Hash.tryteCount
                    bundle.take(hashes[place..<place + Hash.tryteCount])
                }
            }
            open.removeAll { $0.missing == 0 }
        }
        return restored
    }

    /// As many transactions as are hashed in one go, which stay in a near cache meanwhile.
    private static let rowsAtOnce = CurlPLanes.Path.best.width

    private static func begin(
        _ bytes: [UInt8], head: Trytes, address: Hash, bundleHash: Hash? = nil
    ) throws -> RestoredBundle {
        var reader = ByteReader(bytes)
        switch try reader.read(UInt8.self) {
        case Layout.whole: return try RestoredBundle(whole: &reader)
        case Layout.compact:
            return try RestoredBundle(
                compact: &reader, head: head, address: address, bundleHash: bundleHash)
        default: throw ByteReader.Mismatch()
        }
    }

    /// One bundle without hashing anything.
    ///
    /// - Parameters:
    ///   - bundle: the bundle hash.
    ///   - hashes: of the transactions, as they were when `encode` got them.
    static func decode(
        _ bytes: [UInt8], head: Trytes, address: Hash, bundle: Hash, hashes: [Hash]
    ) throws -> [Transaction] {
        try restored(bytes, head: head, address: address, bundle: bundle, hashes: hashes)
            .transactions()
    }

    private static func restored(
        _ bytes: [UInt8], head: Trytes, address: Hash, bundle: Hash, hashes: [Hash]
    ) throws -> RestoredBundle {
        let restored = try begin(bytes, head: head, address: address, bundleHash: bundle)
        guard restored.count == hashes.count else { throw ByteReader.Mismatch() }
        for hash in hashes.reversed() { restored.take(hash.trytes.ascii[...]) }
        return restored
    }
}

extension ByteWriter {
    /// Trytes in t5b1.
    fileprivate mutating func write(packing trytes: ArraySlice<UInt8>) {
        write(trytes.withUnsafeBufferPointer { T5B1.pack($0) })
    }
}
