import NTRU
import Secrets
import Ternary
import Testing

/// What is no key, ciphertext or plaintext, and that secrets are not printed.
@Suite struct RefusalTests {
    private let vector: NTRUVectors.Seeded
    private let key: PrivateKey

    init() throws {
        vector = try #require(try NTRUVectors.read().seeded.first)
        key = try privateKey(packed: Hex.decode(vector.private))
    }

    @Test func otherLengthsAreRefused() throws {
        let publicBytes = try Hex.decode(vector.public)
        let privateBytes = try Hex.decode(vector.private)
        let ciphertext = try Hex.decode(try #require(vector.encrypted.first).ciphertext)
        for bytes in [[], publicBytes.dropLast(), publicBytes + [0]] {
            #expect(
                throws: NTRUError.wrongLength(.publicKey, expected: 1027, actual: bytes.count)
            ) { try PublicKey(packed: Array(bytes)) }
        }
        for bytes in [[], privateBytes.dropLast(), privateBytes + [0]] {
            #expect(
                throws: NTRUError.wrongLength(.privateKey, expected: 1120, actual: bytes.count)
            ) { try privateKey(packed: Array(bytes)) }
        }
        for bytes in [[], ciphertext.dropLast(), ciphertext + [0]] {
            #expect(
                throws: NTRUError.wrongLength(.ciphertext, expected: 1022, actual: bytes.count)
            ) { try key.decrypt(Array(bytes), .real) }
        }
        #expect(throws: NTRUError.tooLong(.plaintext, limit: 106, actual: 107)) {
            try key.publicKey.encrypt([UInt8](repeating: 1, count: 107), .real) { _ in }
        }
    }

    @Test func otherHeadersAreRefused() throws {
        for place in 0..<5 {
            var bytes = try Hex.decode(vector.public)
            bytes[place] ^= 1
            #expect(throws: NTRUError.wrongHeader(.publicKey)) { try PublicKey(packed: bytes) }
            bytes = try Hex.decode(vector.private)
            bytes[place] ^= 1
            #expect(throws: NTRUError.wrongHeader(.privateKey)) { try privateKey(packed: bytes) }
        }
    }

    @Test func indexesBeyondTheDegreeOrTwiceAreRefused() throws {
        let start = 5 + 1022
        var beyond = try Hex.decode(vector.private)
        // The first index is made 743 or more.
        beyond[start] = 0xff
        #expect(throws: NTRUError.wrongIndex) { try privateKey(packed: beyond) }
        var twice = try Hex.decode(vector.private)
        // The second index becomes the first: bits 10..<20 as bits 0..<10.
        let first = UInt16(twice[start]) << 2 | UInt16(twice[start + 1] >> 6)
        twice[start + 1] = twice[start + 1] & 0xc0 | UInt8(first >> 4)
        twice[start + 2] = twice[start + 2] & 0x0f | UInt8(truncatingIfNeeded: first << 4)
        #expect(throws: NTRUError.wrongIndex) { try privateKey(packed: twice) }
    }

    @Test func trytesThatAreNoBase64AreRefused() throws {
        let trytes = TravellingBytes.trytes(
            try Hex.decode(try #require(vector.encrypted.first).ciphertext))
        func replaced(_ place: Int, _ text: String) -> Trytes {
            var ascii = trytes.ascii
            ascii.replaceSubrange(place..<(place + text.utf8.count), with: text.utf8)
            return Trytes(validated: ascii)
        }
        // 99 is the character 0, ZZ one beyond ASCII, JB the padding; the last but one character
        // has two bits of which nothing is known.
        let damaged = [
            replaced(0, "99"), replaced(1000, "ZZ"), replaced(10, "GB"),
            replaced(trytes.count - 2, "KB"), replaced(trytes.count - 4, "FB"),
        ]
        for trytes in damaged {
            #expect(throws: NTRUError.notBase64(.ciphertext)) { try key.decrypt(trytes, .real) }
        }
        for trytes in [trytes[0..<2726], trytes + (try Trytes("99")), try Trytes("")] {
            #expect(
                throws: NTRUError.wrongLength(.ciphertext, expected: 2728, actual: trytes.count)
            ) { try key.decrypt(trytes, .real) }
        }
        #expect(throws: NTRUError.wrongLength(.publicKey, expected: 2744, actual: 2728)) {
            try PublicKey(trytes: trytes)
        }
    }

    @Test func aRandomSourceThatIsNoneIsNotedInTheEnd() throws {
        // Some blinding that gives an unbalanced message, which is then all that comes.
        var generator = SeededBytes(seed: 1)
        var unbalanced: [UInt8]?
        for _ in 0..<100_000 where unbalanced == nil {
            let blinding = generator.next(32)
            var calls = 0
            _ = try key.publicKey.encrypt([1, 2, 3], .real) {
                calls += 1
                $0.copyBytes(from: calls == 1 ? blinding : generator.next(32))
            }
            if calls > 1 { unbalanced = blinding }
        }
        let blinding = try #require(unbalanced)
        #expect(throws: NTRUError.randomExhausted) {
            try key.publicKey.encrypt([1, 2, 3], .real) { $0.copyBytes(from: blinding) }
        }
    }

    @Test func privateKeysAreNotPrinted() throws {
        let opened = try key.decrypt(
            Hex.decode(try #require(vector.encrypted.first).ciphertext), .real)
        for value in [key, [key], Result<PrivateKey, NTRUError>.success(key), opened] as [Any] {
            var dumped = ""
            dump(value, to: &dumped)
            for text in ["\(value)", String(reflecting: value), dumped] {
                #expect(!text.isEmpty)
                #expect(!text.contains("memory") && !text.contains("SECOND"))
                #expect(!text.contains(opened.plaintext.map(String.init).joined(separator: ", ")))
            }
        }
    }
}
