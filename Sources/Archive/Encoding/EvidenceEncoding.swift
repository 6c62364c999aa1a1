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
    private enum Layout {
        static let whole: UInt8 = 0
        static let compact: UInt8 = 1
    }

    /// How the values of one field stand for all transactions of a bundle.
    private enum Column {
        static let nines: UInt8 = 0
        static let same: UInt8 = 1
        static let each: UInt8 = 2
    }

    private static let columns: [TransactionLayout.Field] = [
        .value, .obsoleteTag, .timestamp, .tag, .attachmentTimestamp,
        .attachmentTimestampLowerBound, .attachmentTimestampUpperBound, .nonce,
    ]

    private static let fragmentCount = TransactionLayout.Field.signatureMessageFragment.range.count

    /// - Parameters:
    ///   - head: the first trytes of the bundle's payload, kept elsewhere.
    ///   - address: the address at which the bundle was found.
    package static func encode(_ bundle: Bundle, head: Trytes, address: Hash) -> [UInt8] {
        let compact = encodeCompact(bundle, headCount: head.count)
        var reader = ByteReader(compact)
        if (try? reader.read(UInt8.self)) != nil,
            let back = try? decodeCompact(
                &reader, head: head, address: address, hashing: .known(bundle)),
            back == bundle.transactions
        {
            return compact
        }
        return encodeWhole(bundle.transactions)
    }

    /// Where the hashes come from that are not kept.
    private enum Hashing {
        case computed
        /// A bundle whose hashes were computed when it was assembled.
        case known(Bundle)

        func bundleHash(of essences: [Trytes]) -> Trytes {
            switch self {
            case .computed: Trytes(trits: Kerl.hash(essences.flatMap(\.trits)))
            case .known(let bundle): bundle.bundleHash.trytes
            }
        }

        func hash(of transaction: Transaction, at index: Int) -> Hash {
            switch self {
            case .computed: transaction.hash()
            case .known(let bundle): bundle.hashes[index]
            }
        }
    }

    /// A bundle as it is, for which nothing else is known.
    package static func encodeWhole(_ transactions: [Transaction]) -> [UInt8] {
        var writer = ByteWriter()
        writer.write(Layout.whole)
        writer.write(UInt16(transactions.count))
        for transaction in transactions { writer.write(transaction.packed) }
        return writer.bytes
    }

    /// - Returns: The bundle's transactions, index 0 first.
    /// - Throws: whatever shows that `bytes` are not what `encode` gave.
    package static func decode(_ bytes: [UInt8], head: Trytes, address: Hash) throws
        -> [Transaction]
    {
        var reader = ByteReader(bytes)
        switch try reader.read(UInt8.self) {
        case Layout.whole: return try decodeWhole(&reader)
        case Layout.compact:
            return try decodeCompact(&reader, head: head, address: address, hashing: .computed)
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

    private static func encodeCompact(_ bundle: Bundle, headCount: Int) -> [UInt8] {
        var writer = ByteWriter()
        writer.write(Layout.compact)
        writer.write(UInt16(bundle.transactions.count))
        let payload = bundle.messageTrytes
        let filled = payload.ascii.lastIndex { $0 != TryteAlphabet.nine }.map { $0 + 1 } ?? 0
        let rest = payload[min(headCount, filled)..<filled]
        writer.write(UInt32(rest.count))
        writer.write(T5B1.pack(rest.trits))
        for field in columns {
            encode(bundle.transactions.map { $0[field] }, into: &writer)
        }
        let trunk = bundle.transactions.last?.trunk.trytes ?? Hash.null.trytes
        writer.write(T5B1.pack(trunk.trits))
        encode(
            bundle.transactions.map { $0[.branch] }, likely: trunk, into: &writer)
        return writer.bytes
    }

    private static func decodeCompact(
        _ reader: inout ByteReader, head: Trytes, address: Hash, hashing: Hashing
    ) throws -> [Transaction] {
        var bundle = try CompactBundle(&reader, head: head, address: address, hashing: hashing)
        while bundle.missing > 0 {
            let transaction = try bundle.next()
            bundle.append(transaction, hash: hashing.hash(of: transaction, at: bundle.missing - 1))
        }
        return bundle.transactions.reversed()
    }

    /// Many bundles of one message or of several, whose hashes are computed side by side: of
    /// each bundle the last transaction's first, which the one before it refers to.
    ///
    /// - Returns: For each the transactions with their hashes, index 0 first, or the error.
    package static func decode(
        _ encoded: [(bytes: [UInt8], head: Trytes, address: Hash)]
    ) -> [Result<(transactions: [Transaction], hashes: [Hash]), any Error>] {
        var bundles = encoded.map { one in
            Result {
                var reader = ByteReader(one.bytes)
                switch try reader.read(UInt8.self) {
                case Layout.whole: return CompactBundle(known: try decodeWhole(&reader))
                case Layout.compact:
                    return try CompactBundle(
                        &reader, head: one.head, address: one.address, hashing: .computed)
                default: throw ByteReader.Mismatch()
                }
            }
        }
        while true {
            var places: [Int] = []
            var transactions: [Transaction] = []
            for place in bundles.indices {
                guard case .success(let bundle) = bundles[place], bundle.missing > 0 else {
                    continue
                }
                do {
                    transactions.append(try bundle.next())
                    places.append(place)
                } catch { bundles[place] = .failure(error) }
            }
            guard !places.isEmpty else { break }
            let hashes = TransactionHashing.hashes(of: transactions)
            for (number, place) in places.enumerated() {
                bundles[place] = bundles[place].map { bundle in
                    var bundle = bundle
                    bundle.append(transactions[number], hash: hashes[number])
                    return bundle
                }
            }
        }
        return bundles.map { result in
            result.map { ($0.transactions.reversed(), $0.hashes.reversed()) }
        }
    }

    /// A bundle that is put together from its end, since each transaction's trunk is the hash
    /// of the next one.
    private struct CompactBundle {
        private(set) var missing: Int
        /// The last one first.
        private(set) var transactions: [Transaction] = []
        private(set) var hashes: [Hash] = []
        /// Transactions that are there whole and whose hashes are not known yet, the first first.
        private var known: [Transaction] = []
        private var payload = Trytes(validated: [])
        private var values: [[Trytes]] = []
        private var branches: [Trytes] = []
        private var essences: [Trytes] = []
        private var bundleHash = Trytes(validated: [])
        private var trunk = Trytes(validated: [])

        init(known: [Transaction]) {
            self.known = known
            missing = known.count
        }

        init(
            _ reader: inout ByteReader, head: Trytes, address: Hash, hashing: Hashing
        ) throws {
            let count = Int(try reader.read(UInt16.self))
            guard (1...Bundle.maximumTransactions).contains(count) else {
                throw ByteReader.Mismatch()
            }
            let restCount = Int(try reader.read(UInt32.self))
            guard restCount <= count * fragmentCount else { throw ByteReader.Mismatch() }
            payload = (head + (try reader.readTrytes(restCount)))
                .padded(to: count * fragmentCount)
            guard payload.count == count * fragmentCount else { throw ByteReader.Mismatch() }
            values = try columns.map { try decode(count, of: $0.range.count, from: &reader) }
            trunk = try reader.readTrytes(Hash.tryteCount)
            branches = try decodeBranches(count, likely: trunk, from: &reader)
            try reader.finish()
            missing = count
            for index in 0..<count {
                essences.append(
                    address.trytes + values[0][index] + values[1][index] + values[2][index]
                        + number(index) + number(count - 1))
            }
            bundleHash = hashing.bundleHash(of: essences)
        }

        /// The transaction before those that are there.
        func next() throws -> Transaction {
            let index = missing - 1
            if !known.isEmpty { return known[index] }
            let fragment = payload[index * fragmentCount..<(index + 1) * fragmentCount]
            let envelope = bundleHash + trunk + branches[index] + values[3][index]
            let attachment = values[4][index] + values[5][index] + values[6][index]
            return try Transaction(
                trytes: fragment + essences[index] + envelope + attachment + values[7][index])
        }

        mutating func append(_ transaction: Transaction, hash: Hash) {
            transactions.append(transaction)
            hashes.append(hash)
            trunk = hash.trytes
            missing -= 1
        }
    }

    private static func number(_ value: Int) -> Trytes {
        let tritCount = TransactionLayout.Field.currentIndex.range.count * 3
        let trits = BalancedInteger.trits(Int64(value), count: tritCount)
        return Trytes(trits: trits ?? [])
    }

    private static func encode(_ values: [Trytes], into writer: inout ByteWriter) {
        guard let first = values.first, values.allSatisfy({ $0 == first }) else {
            writer.write(Column.each)
            for value in values { writer.write(T5B1.pack(value.trits)) }
            return
        }
        if first.ascii.allSatisfy({ $0 == TryteAlphabet.nine }) {
            writer.write(Column.nines)
        } else {
            writer.write(Column.same)
            writer.write(T5B1.pack(first.trits))
        }
    }

    private static func decode(_ count: Int, of width: Int, from reader: inout ByteReader) throws
        -> [Trytes]
    {
        switch try reader.read(UInt8.self) {
        case Column.nines:
            return Array(repeating: Trytes(validated: []).padded(to: width), count: count)
        case Column.same:
            return Array(repeating: try reader.readTrytes(width), count: count)
        case Column.each:
            return try (0..<count).map { _ in try reader.readTrytes(width) }
        default: throw ByteReader.Mismatch()
        }
    }

    /// Clients give every transaction but the last the bundle's trunk as its branch.
    private static func encode(
        _ branches: [Trytes], likely: Trytes, into writer: inout ByteWriter
    ) {
        guard let last = branches.last, branches.dropLast().allSatisfy({ $0 == likely }) else {
            writer.write(Column.each)
            for branch in branches { writer.write(T5B1.pack(branch.trits)) }
            return
        }
        writer.write(Column.same)
        writer.write(T5B1.pack(last.trits))
    }

    private static func decodeBranches(
        _ count: Int, likely: Trytes, from reader: inout ByteReader
    ) throws -> [Trytes] {
        switch try reader.read(UInt8.self) {
        case Column.same:
            let last = try reader.readTrytes(Hash.tryteCount)
            return Array(repeating: likely, count: count - 1) + [last]
        case Column.each:
            return try (0..<count).map { _ in try reader.readTrytes(Hash.tryteCount) }
        default: throw ByteReader.Mismatch()
        }
    }
}

extension ByteReader {
    /// `count` trytes in t5b1.
    fileprivate mutating func readTrytes(_ count: Int) throws -> Trytes {
        let tritCount = count * 3
        return Trytes(
            trits: try T5B1.unpack(read(T5B1.byteCount(tritCount: tritCount)), tritCount: tritCount)
        )
    }
}
