import Foundation
import MAM
import Ternary
import TestSupport
import Testing

/// Random and mutated payloads in great numbers, many in a batch: each is a message or a typed
/// error, the same as alone. `PERMANODE_FUZZ=10000000` makes an evening of it.
@Suite struct FuzzTests {
    private static let count =
        ProcessInfo.processInfo.environment["PERMANODE_FUZZ"].flatMap(Int.init) ?? 100_000
    private static let batch = 500
    /// Of each batch, those that are read once more, alone.
    private static let comparedAlone = 2

    private let originals: [(request: ReadRequest, ascii: [UInt8], message: Message)]

    init() throws {
        let vectors = try ChannelVector.all().flatMap(\.allMessages)
            .filter { $0.payload.count <= 3 * 2187 }
        let requests = try vectors.map { try $0.request() }
        let messages = MessageReader.read(requests, .full)
        originals = try zip(vectors, zip(requests, messages)).map {
            ($1.0, $0.payload.ascii, try $1.1.get())
        }
    }

    @Test func everyPayloadHasAnOutcomeOfItsOwn() throws {
        var generator = SeededGenerator.announced()
        #expect(!originals.isEmpty)
        var left = Self.count
        var opened = 0
        var errors: Set<ReadError> = []
        while left > 0 {
            let size = min(left, Self.batch)
            left -= size
            let verification: Verification =
                Bool.random(using: &generator) ? .full : .alreadyVerified
            let sources = (0..<size).map { _ in
                Int.random(in: originals.indices, using: &generator)
            }
            let requests = try sources.map { try request(from: $0, using: &generator) }
            let results = MessageReader.read(requests, verification)
            #expect(results.count == size)
            for (place, result) in results.enumerated() {
                switch result {
                case .success(let message):
                    opened += 1
                    _ = message.text
                    // Only what follows the last sibling may have changed.
                    if verification == .full {
                        #expect(message == originals[sources[place]].message)
                    }
                case .failure(let error): errors.insert(error)
                }
            }
            for _ in 0..<Self.comparedAlone {
                let place = Int.random(in: 0..<size, using: &generator)
                #expect(MessageReader.read([requests[place]], verification) == [results[place]])
            }
        }
        // What was mutated little or late, and what random trits give with one in eight.
        #expect(opened > 0)
        #expect(errors.count > 3)
    }

    /// A payload as it is, changed, or random, in trytes or packed.
    private func request(
        from number: Int, using generator: inout SeededGenerator
    ) throws -> ReadRequest {
        let (original, ascii, _) = originals[number]
        var changed = ascii
        switch Int.random(in: 0..<8, using: &generator) {
        case 0: break
        case 1:
            changed = generator.trytes(.random(in: 0..<1000, using: &generator)).ascii
        default:
            for _ in 0...Int.random(in: 0..<3, using: &generator) {
                mutate(&changed, using: &generator)
            }
        }
        let trytes = Trytes(validated: changed)
        guard Bool.random(using: &generator) else {
            return ReadRequest(payload: trytes, root: original.root, sideKey: original.sideKey)
        }
        var bytes = T5B1.pack(trytes.trits)
        // Bytes that are no trits are refused before anything is read.
        if !bytes.isEmpty, Int.random(in: 0..<20, using: &generator) == 0 {
            let place = bytes.indices.randomElement(using: &generator) ?? 0
            bytes[place] = .random(in: 122...134, using: &generator)
            #expect(throws: TernaryError.self) {
                try ReadRequest(packed: bytes, tritCount: trytes.count * 3, root: original.root)
            }
            bytes[place] = 0
        }
        return try ReadRequest(
            packed: bytes, tritCount: trytes.count * 3, root: original.root,
            sideKey: original.sideKey)
    }

    /// A tryte, a run of one tryte, trytes taken out, put in, or an end cut off; half of it
    /// near the start, where the integers are.
    private func mutate(_ ascii: inout [UInt8], using generator: inout SeededGenerator) {
        guard !ascii.isEmpty else { return }
        let reach = Bool.random(using: &generator) ? min(40, ascii.count) : ascii.count
        let place = Int.random(in: 0..<reach, using: &generator)
        let length = min(Int.random(in: 1..<60, using: &generator), ascii.count - place)
        switch Int.random(in: 0..<5, using: &generator) {
        case 0, 1: ascii.replaceSubrange(place...place, with: generator.trytes(1).ascii)
        case 2: ascii.removeSubrange(place..<place + length)
        case 3: ascii.insert(contentsOf: generator.trytes(length).ascii, at: place)
        default: ascii.removeSubrange(place...)
        }
    }

    @Test func everyRunOfTrytesHasTextOrNone() {
        var generator = SeededGenerator.announced()
        for _ in 0..<20_000 {
            let trytes = generator.trytes(.random(in: 0..<80, using: &generator))
            let digits = trytes.ascii.map { $0 == TryteAlphabet.nine ? 0 : Int($0) - 64 }
            let values = stride(from: 0, to: digits.count - 1, by: 2).map {
                digits[$0] + 27 * digits[$0 + 1]
            }
            let isText = trytes.count.isMultiple(of: 2) && values.allSatisfy { $0 <= 255 }
            #expect(MessageText.bytes(trytes) == (isText ? values.map { UInt8($0) } : nil))
        }
        let bytes = (0..<300).map { UInt8(truncatingIfNeeded: $0 * 7) }
        for count in 0..<300 {
            let some = Array(bytes.prefix(count))
            #expect(MessageText.bytes(MessageText.trytes(bytes: some)) == some)
        }
    }
}
