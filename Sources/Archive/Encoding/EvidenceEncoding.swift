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
        let back = try? decodeCompact(
            compact, head: head, address: address, bundle: bundle.bundleHash, hashes: bundle.hashes)
        return back == bundle.transactions ? compact : encodeWhole(bundle.transactions)
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
        try decode([(bytes, head, address)])[0].get().transactions
    }

    /// What bytes were decoded to.
    package struct Decoded: Sendable {
        /// Index 0 first.
        package let transactions: [Transaction]
        /// Of the transactions, in the same order, as just computed.
        package let hashes: [Hash]
        /// The bundle hash of the transactions' essences, where it was computed.
        package let essenceHash: Hash?
    }

    /// Many bundles of one message or of several, whose hashes are computed side by side: of
    /// each bundle the last transaction's first, which the one before it refers to.
    ///
    /// - Returns: For each what it was decoded to, or the error.
    package static func decode(
        _ encoded: [(bytes: [UInt8], head: Trytes, address: Hash)]
    ) -> [Result<Decoded, any Error>] {
        var errors: [Int: any Error] = [:]
        var bundles: [CompactBundle?] = []
        bundles.reserveCapacity(encoded.count)
        for (place, one) in encoded.enumerated() {
            do { bundles.append(try begin(one.bytes, head: one.head, address: one.address)) } catch
            {
                errors[place] = error
                bundles.append(nil)
            }
        }
        var open = bundles.indices.filter { bundles[$0] != nil }
        while !open.isEmpty {
            var places: [Int] = []
            var transactions: [Transaction] = []
            for place in open where bundles[place]?.missing ?? 0 > 0 {
                do {
                    guard let next = try bundles[place]?.next() else { continue }
                    transactions.append(next)
                    places.append(place)
                } catch {
                    errors[place] = error
                    bundles[place] = nil
                }
            }
            let hashes = TransactionHashing.hashes(of: transactions)
            for (number, place) in places.enumerated() {
                bundles[place]?.append(transactions[number], hash: hashes[number])
            }
            open = places
        }
        return bundles.enumerated().map { place, bundle in
            guard let bundle else { return .failure(errors[place] ?? ByteReader.Mismatch()) }
            return .success(bundle.decoded)
        }
    }

    private static func begin(
        _ bytes: [UInt8], head: Trytes, address: Hash
    ) throws -> CompactBundle {
        var reader = ByteReader(bytes)
        switch try reader.read(UInt8.self) {
        case Layout.whole: return CompactBundle(known: try decodeWhole(&reader))
        case Layout.compact: return try CompactBundle(&reader, head: head, address: address)
        default: throw ByteReader.Mismatch()
        }
    }

    private static func decodeWhole(_ reader: inout ByteReader) throws -> [Transaction] {
        let count = Int(try reader.read(UInt16.self))
        guard count <= Bundle.maximumTransactions else { throw ByteReader.Mismatch() }
        var transactions: [Transaction] = []
        for _ in 0..<count {
            transactions.append(
                try Transaction(packed: reader.read(Transaction.packedCount)))
        }
        try reader.finish()
        return transactions
    }

    /// The same of one bundle without hashing anything.
    ///
    /// - Parameters:
    ///   - bundle: the bundle hash.
    ///   - hashes: of the transactions, as they were when `encode` got them.
    static func decode(
        _ bytes: [UInt8], head: Trytes, address: Hash, bundle: Hash, hashes: [Hash]
    ) throws -> [Transaction] {
        var reader = ByteReader(bytes)
        guard try reader.read(UInt8.self) == Layout.whole else {
            return try decodeCompact(
                bytes, head: head, address: address, bundle: bundle, hashes: hashes)
        }
        let transactions = try decodeWhole(&reader)
        guard transactions.count == hashes.count else { throw ByteReader.Mismatch() }
        return transactions
    }

    /// With hashes that were computed when the bundle was assembled.
    private static func decodeCompact(
        _ bytes: [UInt8], head: Trytes, address: Hash, bundle: Hash, hashes: [Hash]
    ) throws -> [Transaction] {
        var reader = ByteReader(bytes)
        guard try reader.read(UInt8.self) == Layout.compact else { throw ByteReader.Mismatch() }
        let decoded = try CompactBundle(
            &reader, head: head, address: address, bundleHash: bundle)
        guard decoded.missing == hashes.count else { throw ByteReader.Mismatch() }
        while decoded.missing > 0 {
            decoded.append(try decoded.next(), hash: hashes[decoded.missing - 1])
        }
        return decoded.decoded.transactions
    }
}

extension ByteWriter {
    /// Trytes in t5b1.
    fileprivate mutating func write(packing trytes: ArraySlice<UInt8>) {
        write(trytes.withUnsafeBufferPointer { T5B1.pack($0) })
    }
}
