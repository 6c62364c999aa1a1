/// A balanced ternary digit: -1, 0 or 1.
package typealias Trit = Int8

/// A string of trytes: validated characters of the alphabet `9ABCDEFGHIJKLMNOPQRSTUVWXYZ`
/// (mam-v0, *Alphabet and units*).
package struct Trytes: Hashable, Sendable {
    /// The characters as ASCII.
    package let ascii: [UInt8]

    /// - Throws: `TernaryError.notATryte` at the first character outside the alphabet.
    package init(_ text: some StringProtocol) throws(TernaryError) {
        try self.init(ascii: Array(text.utf8))
    }

    /// - Throws: `TernaryError.notATryte` at the first byte outside the alphabet.
    package init(ascii: [UInt8]) throws(TernaryError) {
        for (offset, byte) in ascii.enumerated() where TryteAlphabet.value(of: byte) == nil {
            throw .notATryte(offset: offset)
        }
        self.ascii = ascii
    }

    /// Skips validation for bytes that were taken from validated trytes or from the alphabet.
    package init(validated ascii: [UInt8]) {
        self.ascii = ascii
    }

    /// Trits, least significant first, filled up with zeros to a whole tryte.
    package init(trits: some Collection<Trit>) {
        let ascii = trits.withContiguousStorageIfAvailable { Self.characters(of: $0) }
        self.ascii = ascii ?? Array(trits).withUnsafeBufferPointer { Self.characters(of: $0) }
    }

    private static func characters(of trits: UnsafeBufferPointer<Trit>) -> [UInt8] {
        let count = (trits.count + 2) / 3
        let table = TryteAlphabet.characterTable
        return [UInt8](unsafeUninitializedCapacity: count) { characters, filled in
            for index in 0..<count {
                let start = index * 3
                var value = Int(trits[start])
                if start + 1 < trits.count { value += 3 * Int(trits[start + 1]) }
                if start + 2 < trits.count { value += 9 * Int(trits[start + 2]) }
                let known = (-13...13).contains(value)
                characters[index] =
                    known ? table[value + 13] : TryteAlphabet.character(of: value)
            }
            filled = count
        }
    }

    package var count: Int { ascii.count }

    package var isEmpty: Bool { ascii.isEmpty }

    /// Three trits a tryte, least significant first.
    package var trits: [Trit] {
        let table = TryteAlphabet.tritTable
        return [Trit](unsafeUninitializedCapacity: ascii.count * 3) { trits, filled in
            for (index, character) in ascii.enumerated() {
                let three = table[Int(character)]
                trits[index * 3] = three.0
                trits[index * 3 + 1] = three.1
                trits[index * 3 + 2] = three.2
            }
            filled = ascii.count * 3
        }
    }

    /// The trytes in `range`, clamped to what is there.
    package subscript(range: Range<Int>) -> Trytes {
        Trytes(validated: Array(ascii[range.clamped(to: 0..<ascii.count)]))
    }

    /// These trytes followed by `9` up to `count`; unchanged where there are that many already.
    package func padded(to count: Int) -> Trytes {
        guard ascii.count < count else { return self }
        return Trytes(
            validated: ascii
                + [UInt8](repeating: TryteAlphabet.nine, count: count - ascii.count))
    }

    package static func + (left: Trytes, right: Trytes) -> Trytes {
        Trytes(validated: left.ascii + right.ascii)
    }
}

// Array's own take a byte at a time.
extension Trytes {
    package static func == (left: Trytes, right: Trytes) -> Bool {
        left.ascii.withUnsafeBytes { one in right.ascii.withUnsafeBytes { one.isSame(as: $0) } }
    }

    package func hash(into hasher: inout Hasher) {
        // Runs of trytes in a list are told apart by their count.
        hasher.combine(ascii.count)
        ascii.withUnsafeBytes { hasher.combine(bytes: $0) }
    }
}

extension UnsafeRawBufferPointer {
    /// Whether both hold the same bytes, as many of them.
    package func isSame(as other: UnsafeRawBufferPointer) -> Bool {
        guard count == other.count else { return false }
        let step = MemoryLayout<UInt64>.size
        var place = 0
        while place + step <= count {
            let same =
                loadUnaligned(fromByteOffset: place, as: UInt64.self)
                == other.loadUnaligned(fromByteOffset: place, as: UInt64.self)
            guard same else { return false }
            place += step
        }
        while place < count, self[place] == other[place] { place += 1 }
        return place == count
    }
}

extension Trytes: CustomStringConvertible {
    package var description: String { String(decoding: ascii, as: UTF8.self) }
}

extension Trytes: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        try self.init(container.decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
