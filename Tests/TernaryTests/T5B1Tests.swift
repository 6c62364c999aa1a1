import Ternary
import TestSupport
import Testing

@Suite struct T5B1Tests {
    struct Vectors: Decodable {
        struct Packed: Decodable {
            let trytes: Trytes
            let hex: String
        }
        struct Invalid: Decodable {
            let hex: String
            let why: String
        }
        let packed: [Packed]
        let invalid: [Invalid]
    }

    func bytes(_ hex: String) -> [UInt8] {
        stride(from: 0, to: hex.count, by: 2).compactMap { offset in
            UInt8(hex.dropFirst(offset).prefix(2), radix: 16)
        }
    }

    @Test func packsAndUnpacksAsTheVectorsSay() throws {
        let vectors = try Fixture.json("t5b1.json", as: Vectors.self)
        #expect(!vectors.packed.isEmpty)
        for vector in vectors.packed {
            let packed = bytes(vector.hex)
            let trits = vector.trytes.trits
            #expect(T5B1.pack(trits) == packed)
            #expect(try T5B1.unpack(packed, tritCount: trits.count) == trits)
            #expect(T5B1.byteCount(tritCount: trits.count) == packed.count)
        }
    }

    @Test func refusesWhatTheVectorsCallInvalid() throws {
        let vectors = try Fixture.json("t5b1.json", as: Vectors.self)
        #expect(!vectors.invalid.isEmpty)
        for vector in vectors.invalid {
            let packed = bytes(vector.hex)
            #expect(throws: TernaryError.notFiveTrits(offset: 0), "\(vector.why)") {
                try T5B1.unpack(packed, tritCount: packed.count * 5)
            }
        }
    }

    @Test func everyByteIsEitherFiveTritsOrAnError() throws {
        var readable = 0
        for byte in UInt8.min...UInt8.max {
            guard let trits = try? T5B1.unpack([byte], tritCount: 5) else { continue }
            #expect(T5B1.pack(trits) == [byte])
            readable += 1
        }
        #expect(readable == 243)
    }

    @Test func refusesTritsBeyondTheEnd() throws {
        #expect(throws: TernaryError.excessTrits) { try T5B1.unpack([81], tritCount: 4) }
        #expect(try T5B1.unpack([27], tritCount: 4) == [0, 0, 0, 1])
        var hash = [UInt8](repeating: 0, count: Hash.packedCount)
        hash[48] = 27
        #expect(throws: TernaryError.excessTrits) { try Hash(packed: hash) }
        hash[48] = 13
        #expect(try Hash(packed: hash).packed == hash)
    }

    @Test func refusesWrongLengths() {
        #expect(throws: TernaryError.wrongLength(expected: 2, actual: 1)) {
            try T5B1.unpack([0], tritCount: 6)
        }
        #expect(throws: TernaryError.wrongLength(expected: 0, actual: 1)) {
            try T5B1.unpack([0], tritCount: -1)
        }
        #expect(throws: TernaryError.wrongLength(expected: .max / 5 + 1, actual: 1)) {
            try T5B1.unpack([0], tritCount: .max)
        }
    }
}
