import Foundation
import NTRU
import Secrets
import Ternary
import TestSupport
import Testing

/// Bytes that come again with the same seed.
struct SeededBytes {
    private var generator: SeededGenerator

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    init(_ generator: SeededGenerator) { self.generator = generator }

    mutating func next(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in .random(in: .min ... .max, using: &generator) }
    }
}

/// Random keys and messages, and damaged ones, in great numbers. `PERMANODE_FUZZ=10000000` makes an
/// evening of it.
@Suite struct FuzzTests {
    private static let count =
        (ProcessInfo.processInfo.environment["PERMANODE_FUZZ"].flatMap(Int.init) ?? 100_000) / 100

    @Test func whatIsEncryptedOpensAndWhatIsChangedDoesNot() throws {
        var generator = SeededGenerator.announced()
        var bytes = SeededBytes(generator)
        var key = try privateKey(seed: generator.trytes(81).description)
        for round in 0..<Self.count {
            if round % 50 == 49 { key = try privateKey(seed: generator.trytes(81).description) }
            let plaintext = bytes.next(.random(in: 0...106, using: &generator))
            let ciphertext = try key.publicKey.encrypt(plaintext, .real) {
                $0.copyBytes(from: bytes.next(32))
            }
            #expect(try key.decrypt(ciphertext, .real).plaintext == plaintext)
            var damaged = ciphertext
            // The last three bits are spare.
            let bit = Int.random(in: 0..<(743 * 11), using: &generator)
            damaged[bit / 8] ^= 0x80 >> UInt8(bit % 8)
            #expect(throws: NTRUError.undecryptable) { try key.decrypt(damaged, .real) }
        }
    }

    @Test func anyBytesHaveAnOutcome() throws {
        var generator = SeededGenerator.announced()
        var bytes = SeededBytes(generator)
        let key = try privateKey(seed: generator.trytes(81).description)
        var refusals: Set<NTRUError> = []
        for round in 0..<Self.count {
            let length = round % 2 == 0 ? 1022 : Int.random(in: 0..<1200, using: &generator)
            do {
                _ = try key.decrypt(bytes.next(length), .real)
                Issue.record("random bytes opened")
            } catch let error {
                refusals.insert(error)
            }
            let trytes = generator.trytes(.random(in: 2700..<2760, using: &generator))
            #expect(throws: NTRUError.self) { try key.decrypt(trytes, .real) }
            #expect(throws: NTRUError.self) { try PublicKey(trytes: trytes) }
            let packed = [2, 3, 0, 6, 16] + bytes.next(1115)
            // One in some hundred is a key by its form, and opens nothing that is not its own.
            _ = try? privateKey(packed: packed).decrypt(bytes.next(1022), .real)
        }
        #expect(refusals.contains(.undecryptable))
        #expect(refusals.count > 1)
    }
}
