import Tangle
import Ternary

/// A bundle as it is put together again from stored bytes, from its end, since each transaction's
/// trunk is the hash of the next one.
///
/// Its characters lie in two pieces: the fragments of all transactions, which are the payload, and
/// what follows the fragment in each, its envelope. Transactions are made of them only where
/// somebody wants these.
///
/// A class, because many are worked on in turn and none is copied.
final class RestoredBundle {
    private static let fragmentCount = EvidenceEncoding.fragmentCount
    /// Trytes of an envelope.
    private static let envelopeCount = Transaction.tryteCount - fragmentCount

    let count: Int
    /// Transactions whose hashes are not known yet: the first ones.
    private(set) var missing: Int
    /// Whether trunks, indexes and bundle hash were derived, so that they are right by themselves.
    let isDerived: Bool
    /// All fragments' characters in index order.
    private(set) var payload: [UInt8]
    /// All envelopes' characters in index order.
    private var envelopes: [UInt8]
    /// The hashes' characters in index order; those of missing transactions are none yet.
    private var hashes: [UInt8]

    private init(count: Int, isDerived: Bool) throws(ByteReader.Mismatch) {
        guard (1...Bundle.maximumTransactions).contains(count) else { throw ByteReader.Mismatch() }
        self.count = count
        self.isDerived = isDerived
        missing = count
        let nine = TryteAlphabet.nine
        payload = Array(repeating: nine, count: count * Self.fragmentCount)
        envelopes = Array(repeating: nine, count: count * Self.envelopeCount)
        hashes = Array(repeating: nine, count: count * Hash.tryteCount)
    }

    /// A bundle that was kept whole.
    ///
    /// - Throws: whatever shows that this is none.
    convenience init(whole reader: inout ByteReader) throws {
        try self.init(count: Int(try reader.read(UInt16.self)), isDerived: false)
        for index in 0..<count {
            let transaction = try Transaction(packed: reader.read(Transaction.packedCount))
            let characters = transaction.trytes.ascii
            payload.put(
                characters[..<Self.fragmentCount], at: Self.fragment(index).lowerBound)
            envelopes.put(
                characters[Self.fragmentCount...], at: Self.envelope(index).lowerBound)
        }
        try reader.finish()
    }

    /// A bundle in the compact layout.
    ///
    /// - Parameter bundleHash: nil has it computed from what was read.
    /// - Throws: whatever shows that this is none.
    convenience init(
        compact reader: inout ByteReader, head: Trytes, address: Hash, bundleHash: Hash? = nil
    ) throws {
        try self.init(count: Int(try reader.read(UInt16.self)), isDerived: true)
        let restCount = Int(try reader.read(UInt32.self))
        guard head.count <= payload.count, restCount <= payload.count - head.count else {
            throw ByteReader.Mismatch()
        }
        payload.put(head.ascii, at: 0)
        try payload.withUnsafeMutableBufferPointer {
            try reader.readTrytes(into: $0.part(head.count..<head.count + restCount))
        }
        setAll(.address, address.trytes.ascii)
        setIndexes()
        for field in EvidenceEncoding.columns { try read(field, from: &reader) }
        try readLinks(from: &reader)
        try reader.finish()
        setAll(.bundle, bundleHash?.trytes.ascii ?? hashOfEssences().trytes.ascii)
    }

    // MARK: Fields

    private static func fragment(_ index: Int) -> Range<Int> {
        index * fragmentCount..<(index + 1) * fragmentCount
    }

    private static func envelope(_ index: Int) -> Range<Int> {
        index * envelopeCount..<(index + 1) * envelopeCount
    }

    /// Where trytes of the transaction `index`, none of its fragment, lie among the envelopes.
    private static func place(_ range: Range<Int>, _ index: Int) -> Range<Int> {
        let start = index * envelopeCount + range.lowerBound - fragmentCount
        return start..<start + range.count
    }

    private func set(
        _ field: TransactionLayout.Field, of index: Int, _ characters: some Collection<UInt8>
    ) {
        envelopes.put(characters, at: Self.place(field.range, index).lowerBound)
    }

    private func setAll(_ field: TransactionLayout.Field, _ characters: [UInt8]) {
        for index in 0..<count { set(field, of: index, characters) }
    }

    private func setIndexes() {
        let width = TransactionLayout.Field.currentIndex.range.count
        for index in 0..<count {
            set(.currentIndex, of: index, Self.numbers[index * width..<(index + 1) * width])
            set(.lastIndex, of: index, Self.numbers[(count - 1) * width..<count * width])
        }
    }

    /// The characters of all indexes that there can be, one after the other.
    private static let numbers: [UInt8] = (0..<Bundle.maximumTransactions).flatMap { index in
        let width = TransactionLayout.Field.currentIndex.range.count
        return BalancedInteger.trytes(Int64(index), count: width)?.ascii
            ?? Array(repeating: TryteAlphabet.nine, count: width)
    }

    private func read(
        _ field: TransactionLayout.Field, of index: Int, from reader: inout ByteReader
    ) throws {
        try envelopes.withUnsafeMutableBufferPointer {
            try reader.readTrytes(into: $0.part(Self.place(field.range, index)))
        }
    }

    private func read(
        _ field: TransactionLayout.Field, from reader: inout ByteReader
    ) throws {
        switch try reader.read(UInt8.self) {
        case EvidenceEncoding.Column.nines: break
        case EvidenceEncoding.Column.same:
            try read(field, of: 0, from: &reader)
            let first = Array(envelopes[Self.place(field.range, 0)])
            for index in 1..<count { set(field, of: index, first) }
        case EvidenceEncoding.Column.each:
            for index in 0..<count { try read(field, of: index, from: &reader) }
        default: throw ByteReader.Mismatch()
        }
    }

    /// The last one's trunk, and all branches.
    private func readLinks(from reader: inout ByteReader) throws {
        try read(.trunk, of: count - 1, from: &reader)
        switch try reader.read(UInt8.self) {
        case EvidenceEncoding.Column.same:
            let likely = Array(
                envelopes[Self.place(TransactionLayout.Field.trunk.range, count - 1)])
            for index in 0..<count - 1 { set(.branch, of: index, likely) }
            try read(.branch, of: count - 1, from: &reader)
        case EvidenceEncoding.Column.each:
            for index in 0..<count { try read(.branch, of: index, from: &reader) }
        default: throw ByteReader.Mismatch()
        }
    }

    private func hashOfEssences() -> Hash {
        var kerl = Kerl()
        envelopes.withUnsafeBufferPointer { envelopes in
            for index in 0..<count {
                let essence = envelopes[Self.place(TransactionLayout.essence, index)]
                kerl.absorb(UnsafeBufferPointer(rebasing: essence))
            }
        }
        return kerl.hash()
    }

    // MARK: Hashes

    /// Appends the 2,673 characters of the last transaction whose hash is not known yet.
    func appendNext(to rows: inout [UInt8]) {
        rows += payload[Self.fragment(missing - 1)]
        rows += envelopes[Self.envelope(missing - 1)]
    }

    /// Takes the 81 characters of that transaction's hash, which lead to the one before.
    func take(_ hash: ArraySlice<UInt8>) {
        missing -= 1
        hashes.put(hash, at: missing * Hash.tryteCount)
        if isDerived, missing > 0 { set(.trunk, of: missing - 1, hash) }
    }

    // MARK: What it is once nothing is missing

    func hash(_ index: Int) -> Hash {
        Hash(of: Trytes(validated: hashes), at: index * Hash.tryteCount)
    }

    /// The bundle hash that the first transaction names; where it was derived, that of them all.
    var bundleHash: Hash {
        let place = Self.place(TransactionLayout.Field.bundle.range, 0)
        return Hash(of: Trytes(validated: envelopes), at: place.lowerBound)
    }

    /// Whether no transaction's value is anything but zero.
    var movesNothing: Bool {
        (0..<count).allSatisfy { index in
            envelopes[Self.place(TransactionLayout.Field.value.range, index)]
                .allSatisfy { $0 == TryteAlphabet.nine }
        }
    }

    /// Index 0 first.
    func transactions() throws -> [Transaction] {
        try (0..<count).map { index in
            let characters = payload[Self.fragment(index)] + envelopes[Self.envelope(index)]
            return try Transaction(trytes: Trytes(validated: Array(characters)))
        }
    }

    /// Whether these are its transactions.
    func has(_ transactions: [Transaction]) -> Bool {
        transactions.count == count
            && transactions.enumerated().allSatisfy { index, transaction in
                let characters = transaction.trytes.ascii
                return payload.isSame(Self.fragment(index), as: characters, from: 0)
                    && envelopes.isSame(
                        Self.envelope(index), as: characters, from: Self.fragmentCount)
            }
    }
}

extension UnsafeMutableBufferPointer<UInt8> {
    fileprivate func part(_ range: Range<Int>) -> UnsafeMutableBufferPointer {
        UnsafeMutableBufferPointer(rebasing: self[range])
    }
}

extension [UInt8] {
    /// Overwrites what is there from `start` on.
    fileprivate mutating func put(_ characters: some Collection<UInt8>, at start: Int) {
        withUnsafeMutableBufferPointer {
            _ = $0.part(start..<start + characters.count).update(fromContentsOf: characters)
        }
    }

    /// Whether a part of it stands in `other` from a place on.
    fileprivate func isSame(_ range: Range<Int>, as other: [UInt8], from start: Int) -> Bool {
        withUnsafeBytes { one in
            other.withUnsafeBytes { other in
                UnsafeRawBufferPointer(rebasing: one[range]).isSame(
                    as: UnsafeRawBufferPointer(
                        rebasing: other.dropFirst(start).prefix(range.count)))
            }
        }
    }
}
