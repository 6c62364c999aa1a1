import Tangle
import Ternary

import struct Tangle.Bundle

/// By what the index finds a transaction: 64 bits of its address or of its hash.
///
/// What it finds is places worth reading, and who reads there checks. That anybody can make
/// addresses meet in one key gains nothing: he can as well use the address itself.
enum DumpKey {
    static func address(_ address: Hash) -> UInt64 {
        address.trytes.ascii.withUnsafeBytes { self.address($0) }
    }

    static func hash(_ hash: Hash) -> UInt64 {
        hash.trytes.ascii.withUnsafeBytes { self.hash($0) }
    }

    /// Of 81 characters.
    static func address(_ characters: UnsafeRawBufferPointer) -> UInt64 { fold(characters, 1) }

    /// Of 81 characters.
    static func hash(_ characters: UnsafeRawBufferPointer) -> UInt64 { fold(characters, 2) }

    /// 64 bits of any bytes.
    static func fold(_ bytes: UnsafeRawBufferPointer, _ kind: UInt64) -> UInt64 {
        var state = mix(kind ^ UInt64(truncatingIfNeeded: bytes.count) &* 0x9e37_79b9_7f4a_7c15)
        var place = 0
        while place + 8 <= bytes.count {
            let word = bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)
            state = mix(state ^ UInt64(littleEndian: word))
            place += 8
        }
        var rest: UInt64 = 0
        for byte in bytes[place...] { rest = rest << 8 | UInt64(byte) }
        return mix(state ^ rest)
    }

    private static func mix(_ word: UInt64) -> UInt64 {
        let (high, low) = (word ^ 0xa076_1d64_78bd_642f)
            .multipliedFullWidth(by: 0xe703_7ed1_a0b4_28db)
        return high ^ low &+ word
    }
}

/// Where a transaction stands: a line of a plain file, or a record of the spool.
struct DumpPlace: Sendable, Hashable, Comparable {
    /// The input in the upper 16 bits, the offset in the lower 48: 281 TB.
    let code: UInt64

    static let spool = Int(UInt16.max)
    private static let offsetBits = 48

    init(code: UInt64) { self.code = code }

    init(input: Int, offset: Int64) {
        code =
            UInt64(UInt16(clamping: input)) << Self.offsetBits
            | UInt64(truncatingIfNeeded: offset) & (1 << Self.offsetBits - 1)
    }

    var input: Int { Int(code >> Self.offsetBits) }

    var offset: Int64 { Int64(truncatingIfNeeded: code & (1 << Self.offsetBits - 1)) }

    static func < (one: DumpPlace, other: DumpPlace) -> Bool { one.code < other.code }
}

/// An entry of the index.
struct DumpEntry: Sendable, Hashable, Comparable {
    let key: UInt64
    let place: DumpPlace

    static func < (one: DumpEntry, other: DumpEntry) -> Bool {
        one.key == other.key ? one.place < other.place : one.key < other.key
    }
}

/// Whether a transaction can be of a message: a message's signature alone fills one (mam-v0), so
/// that its bundle has at least two, and no more than any bundle that is followed.
enum DumpCandidate {
    /// - Parameter transaction: 2,673 characters of the alphabet.
    static func isOne(_ transaction: UnsafeRawBufferPointer) -> Bool {
        let last = integer(transaction, .lastIndex)
        guard (1..<Int64(Bundle.maximumTransactions)).contains(last) else { return false }
        return (0...last).contains(integer(transaction, .currentIndex))
    }

    private static func integer(
        _ transaction: UnsafeRawBufferPointer, _ field: TransactionLayout.Field
    ) -> Int64 {
        var value: Int64 = 0
        for character in transaction[field.range].reversed() {
            value = value * 27 + Int64(TryteAlphabet.value(of: character) ?? 0)
        }
        return value
    }
}
