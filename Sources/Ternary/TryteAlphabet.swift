/// The 27 characters of trytes and their values -13...13 (mam-v0, *Alphabet and units*).
package enum TryteAlphabet {
    /// `9`, the character of zero.
    package static let nine = UInt8(ascii: "9")

    /// The value -13...13 of a character, nil for one outside the alphabet.
    package static func value(of character: UInt8) -> Int? {
        switch character {
        case nine: 0
        case UInt8(ascii: "A")...UInt8(ascii: "M"): Int(character) - 64
        case UInt8(ascii: "N")...UInt8(ascii: "Z"): Int(character) - 91
        default: nil
        }
    }

    /// The character of a value -13...13; values beyond wrap modulo 27.
    package static func character(of value: Int) -> UInt8 {
        let code = ((value % 27) + 27) % 27
        return code == 0 ? nine : UInt8(64 + code)
    }

    /// The three trits of a character, least significant first; zeros outside the alphabet.
    package static func trits(of character: UInt8) -> (Trit, Trit, Trit) {
        tritTable[Int(character)]
    }

    /// By character code; callers that convert many fetch it once.
    static let tritTable: [(Trit, Trit, Trit)] = (0..<256).map { code in
        guard var rest = value(of: UInt8(code)) else { return (0, 0, 0) }
        var trits: [Trit] = []
        for _ in 0..<3 {
            let trit = (rest + 13) % 3 - 1
            trits.append(Trit(trit))
            rest = (rest - trit) / 3
        }
        return (trits[0], trits[1], trits[2])
    }

    /// The characters of -13...13 from index 0 on.
    static let characterTable: [UInt8] = (-13...13).map { character(of: $0) }
}
