import Tangle
import Ternary

/// A bundle that is put together from its end, since each transaction's trunk is the hash
/// of the next one.
///
/// A class, because many are worked on in turn and none is copied.
final class CompactBundle {
    /// Transactions that are not there yet.
    private(set) var missing: Int
    /// The last one first.
    private var transactions: [Transaction] = []
    private var hashes: [Hash] = []
    /// Transactions that are there whole and whose hashes are not known yet, the first first.
    private var known: [Transaction] = []
    private var payload: [UInt8] = []
    private var address: [UInt8] = []
    /// In the order of `EvidenceEncoding.columns`.
    private var values: [Values] = []
    private var branches = Values()
    /// The indexes' characters, one after the other.
    private var numbers: [UInt8] = []
    private var count = 0
    private var bundleHash: [UInt8] = []
    private var trunk: [UInt8] = []
    private var essenceHash: Hash?

    /// One field's characters: of all transactions, or of each.
    private struct Values {
        var characters: [UInt8] = []
        var width = 0
        /// 0 where all have the same.
        var step = 0

        subscript(index: Int) -> ArraySlice<UInt8> {
            characters[index * step..<index * step + width]
        }
    }

    /// A bundle that was kept whole, which is only to be hashed.
    init(known: [Transaction]) {
        self.known = known
        missing = known.count
    }

    /// - Parameter bundleHash: nil has it computed from what was read.
    /// - Throws: whatever shows that this is no bundle in the compact layout.
    init(
        _ reader: inout ByteReader, head: Trytes, address: Hash, bundleHash known: Hash? = nil
    ) throws {
        let fragmentCount = EvidenceEncoding.fragmentCount
        let count = Int(try reader.read(UInt16.self))
        guard (1...Bundle.maximumTransactions).contains(count) else {
            throw ByteReader.Mismatch()
        }
        let restCount = Int(try reader.read(UInt32.self))
        guard head.count <= count * fragmentCount,
            restCount <= count * fragmentCount - head.count
        else { throw ByteReader.Mismatch() }
        payload.reserveCapacity(count * fragmentCount)
        payload += head.ascii
        payload += try reader.readTrytes(restCount)
        payload += [UInt8](
            repeating: TryteAlphabet.nine, count: count * fragmentCount - payload.count)
        self.address = address.trytes.ascii
        missing = count
        for field in EvidenceEncoding.columns {
            values.append(try Self.values(count, of: field.range.count, from: &reader))
        }
        trunk = try reader.readTrytes(Hash.tryteCount)
        branches = try Self.branches(count, likely: trunk, from: &reader)
        try reader.finish()
        self.count = count
        for index in 0..<count { numbers += Self.number(index) }
        if let known {
            bundleHash = known.trytes.ascii
        } else {
            let computed = hashOfEssences()
            essenceHash = computed
            bundleHash = computed.trytes.ascii
        }
    }

    private func hashOfEssences() -> Hash {
        var kerl = Kerl()
        var essence: [UInt8] = []
        for index in 0..<missing {
            essence.removeAll(keepingCapacity: true)
            appendEssence(index, to: &essence)
            essence.withUnsafeBufferPointer { kerl.absorb($0) }
        }
        return kerl.hash()
    }

    private func appendEssence(_ index: Int, to ascii: inout [UInt8]) {
        ascii += address
        for column in 0..<3 { ascii += values[column][index] }
        ascii += number(index)
        ascii += number(count - 1)
    }

    /// The transaction before those that are there.
    func next() throws -> Transaction {
        let index = missing - 1
        if !known.isEmpty { return known[index] }
        var ascii: [UInt8] = []
        ascii.reserveCapacity(Transaction.tryteCount)
        let start = index * EvidenceEncoding.fragmentCount
        ascii += payload[start..<start + EvidenceEncoding.fragmentCount]
        appendEssence(index, to: &ascii)
        ascii += bundleHash
        ascii += trunk
        ascii += branches[index]
        for column in 3..<values.count { ascii += values[column][index] }
        return try Transaction(trytes: Trytes(validated: ascii))
    }

    func append(_ transaction: Transaction, hash: Hash) {
        transactions.append(transaction)
        hashes.append(hash)
        trunk = hash.trytes.ascii
        missing -= 1
    }

    /// What it is once nothing is missing.
    var decoded: EvidenceEncoding.Decoded {
        EvidenceEncoding.Decoded(
            transactions: transactions.reversed(), hashes: hashes.reversed(),
            essenceHash: essenceHash)
    }

    private static let numberWidth = TransactionLayout.Field.currentIndex.range.count

    private static func number(_ value: Int) -> [UInt8] {
        BalancedInteger.trytes(Int64(value), count: numberWidth)?.ascii ?? []
    }

    private func number(_ index: Int) -> ArraySlice<UInt8> {
        numbers[index * Self.numberWidth..<(index + 1) * Self.numberWidth]
    }

    private static func values(
        _ count: Int, of width: Int, from reader: inout ByteReader
    ) throws -> Values {
        switch try reader.read(UInt8.self) {
        case EvidenceEncoding.Column.nines:
            let nines = [UInt8](repeating: TryteAlphabet.nine, count: width)
            return Values(characters: nines, width: width)
        case EvidenceEncoding.Column.same:
            return Values(characters: try reader.readTrytes(width), width: width)
        case EvidenceEncoding.Column.each: return try each(count, of: width, from: &reader)
        default: throw ByteReader.Mismatch()
        }
    }

    private static func each(
        _ count: Int, of width: Int, from reader: inout ByteReader
    ) throws -> Values {
        var values = Values(width: width, step: width)
        for _ in 0..<count { values.characters += try reader.readTrytes(width) }
        return values
    }

    private static func branches(
        _ count: Int, likely: [UInt8], from reader: inout ByteReader
    ) throws -> Values {
        let width = Hash.tryteCount
        switch try reader.read(UInt8.self) {
        case EvidenceEncoding.Column.same:
            var values = Values(width: width, step: width)
            for _ in 1..<count { values.characters += likely }
            values.characters += try reader.readTrytes(width)
            return values
        case EvidenceEncoding.Column.each: return try each(count, of: width, from: &reader)
        default: throw ByteReader.Mismatch()
        }
    }
}

extension ByteReader {
    /// The characters of `count` trytes in t5b1.
    fileprivate mutating func readTrytes(_ count: Int) throws -> [UInt8] {
        let bytes = try read(T5B1.byteCount(tritCount: count * 3))
        return try T5B1.unpackTrytes(bytes, tryteCount: count).ascii
    }
}
