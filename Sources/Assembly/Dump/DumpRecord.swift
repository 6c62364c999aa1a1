import Foundation
import Tangle
import Ternary

/// A transaction as a dump told of it; the hash is what was claimed.
struct DumpRecord: Sendable {
    let hash: Hash
    let transaction: Transaction
    let confirmation: DumpConfirmation

    /// A record of the spool: the number of the bytes that follow and the confirmation (UInt32 each,
    /// little-endian), the hash and the transaction in t5b1, the latter without zeros at its end.
    ///
    /// - Parameters:
    ///   - claim: 81 characters of the alphabet.
    ///   - transaction: 2,673 of them.
    static func append(
        claim: UnsafeBufferPointer<UInt8>, transaction: UnsafeBufferPointer<UInt8>,
        _ confirmation: DumpConfirmation, to spool: inout [UInt8]
    ) {
        var packed = T5B1.pack(claim)
        packed += T5B1.pack(transaction)
        while packed.last == 0, packed.count > Hash.packedCount { packed.removeLast() }
        for word in [UInt32(packed.count), confirmation.code] {
            withUnsafeBytes(of: word.littleEndian) { spool.append(contentsOf: $0) }
        }
        spool += packed
    }

    private static let headBytes = 8
    /// Of any record.
    static let maximumBytes = headBytes + Hash.packedCount + Transaction.packedCount

    /// - Parameter bytes: from the record's beginning on; more may follow.
    /// - Returns: Nil for what is no record.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= Self.headBytes else { return nil }
        func word(_ place: Int) -> UInt32 {
            bytes.withUnsafeBytes {
                UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: place, as: UInt32.self))
            }
        }
        let count = Int(word(0))
        guard (Hash.packedCount...Hash.packedCount + Transaction.packedCount).contains(count),
            bytes.count >= Self.headBytes + count
        else { return nil }
        let packed = bytes[Self.headBytes..<Self.headBytes + count]
        var transaction = Array(packed.dropFirst(Hash.packedCount))
        transaction += [UInt8](repeating: 0, count: Transaction.packedCount - transaction.count)
        guard let hash = try? Hash(packed: packed.prefix(Hash.packedCount)),
            let transaction = try? Transaction(packed: transaction)
        else { return nil }
        self.hash = hash
        self.transaction = transaction
        confirmation = DumpConfirmation(code: word(4))
    }

    /// A line of a plain file, without its line end.
    ///
    /// - Returns: Nil for what is no such line.
    init?(line: [UInt8], milestone: Int32?, isWhole: Bool) {
        var rows = DumpRows(capacity: 1)
        let isTaken = line.withUnsafeBytes { line in
            do throws(DumpRejection) {
                try rows.add(line, milestone: milestone, isWhole: isWhole)
                return true
            } catch {
                return false
            }
        }
        guard isTaken, let confirmation = rows.confirmations.first,
            let hash = try? Hash(trytes: Trytes(validated: rows.claims)),
            let transaction = try? Transaction(trytes: Trytes(validated: rows.trytes))
        else { return nil }
        self.hash = hash
        self.transaction = transaction
        self.confirmation = confirmation
    }
}
