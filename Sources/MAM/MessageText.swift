import Ternary

/// Text in trytes: two a byte, `byte % 27`, then `byte / 27` (mam-v0, *Alphabet and units*).
package enum MessageText {
    /// The bytes of `trytes` as UTF-8 where they are that, otherwise as Latin-1; nil where the
    /// trytes are odd in number or a pair stands for more than 255.
    package static func text(_ trytes: Trytes) -> String? {
        guard let bytes = bytes(trytes) else { return nil }
        return String(validating: bytes, as: UTF8.self)
            ?? String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
    }

    /// The bytes that pairs of trytes stand for; nil as for `text`.
    package static func bytes(_ trytes: Trytes) -> [UInt8]? {
        guard trytes.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(trytes.count / 2)
        for pair in stride(from: 0, to: trytes.count, by: 2) {
            let value = digit(trytes.ascii[pair]) + 27 * digit(trytes.ascii[pair + 1])
            guard let byte = UInt8(exactly: value) else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    /// The UTF-8 of `text`, two trytes a byte.
    package static func trytes(_ text: String) -> Trytes { trytes(bytes: Array(text.utf8)) }

    /// Two trytes a byte.
    package static func trytes(bytes: [UInt8]) -> Trytes {
        var ascii: [UInt8] = []
        ascii.reserveCapacity(bytes.count * 2)
        for byte in bytes.map(Int.init) {
            ascii.append(TryteAlphabet.character(of: byte % 27))
            ascii.append(TryteAlphabet.character(of: byte / 27))
        }
        return Trytes(validated: ascii)
    }

    /// The place of a character in the alphabet, 0...26.
    private static func digit(_ character: UInt8) -> Int {
        character == TryteAlphabet.nine ? 0 : Int(character) - 64
    }
}
