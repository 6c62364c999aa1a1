import MAM
import Ternary
import TestSupport
import Testing

/// Whatever the trytes, there is a message or a typed error.
@Suite struct HostilePayloadTests {
    private let channel: ChannelVector
    private let root: Root

    init() throws {
        channel = try ChannelVector.named("tree-of-8-public")
        root = try Root(String(repeating: "R", count: 81))
    }

    @Test func aPayloadCutAnywhereIsTruncated() throws {
        let vector = try #require(channel.messages.first)
        let whole = try #require(try MessageReader.read([vector.request()], .full).first).get()
        let authenticated = try #require(whole.payloadTritCount)
        let cuts = (0..<vector.payload.count).map { vector.payload[0..<$0] }
        let requests = try cuts.map { try vector.request($0) }
        for (cut, result) in zip(cuts, MessageReader.read(requests, .full)) {
            switch result {
            case .success(let message):
                #expect(cut.count * 3 >= authenticated)
                #expect(message == whole)
            case .failure(let error):
                #expect(cut.count * 3 < authenticated)
                guard case .truncated = error else {
                    Issue.record("cut at \(cut.count): \(error)")
                    continue
                }
            }
        }
        for (cut, result) in zip(cuts, MessageReader.read(requests, .alreadyVerified)) {
            if cut.count * 3 >= whole.headTritCount {
                #expect(try result.get().contentTrytes == whole.contentTrytes)
            } else {
                #expect((try? result.get()) == nil)
            }
        }
    }

    @Test func runsOfOneTryteAreNoMessage() {
        for character in "9ABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8 {
            for count in [0, 1, 2, 12, 13, 14, 27, 81, 135, 136, 2187, 6561] {
                let payload = Trytes(validated: [UInt8](repeating: character, count: count))
                let request = ReadRequest(payload: payload, root: root)
                for result in MessageReader.read([request], .full) {
                    #expect((try? result.get()) == nil)
                }
            }
        }
    }

    @Test func aLengthBeyondThePayloadIsTruncated() throws {
        let index = try #require(PascalInteger.trits(0))
        for length in [4000, 1 << 40, PascalInteger.maximumValue] {
            let header = index + (try #require(PascalInteger.trits(length)))
            let payload = Trytes(trits: header).padded(to: 1000)
            #expect(throws: ReadError.truncated(.message)) { try PayloadLayout.parse(payload) }
        }
    }

    @Test func randomTrytesAreNoMessage() {
        var generator = SeededGenerator.announced()
        let requests = (0..<3000).map { _ in
            let count = Int.random(in: 0..<400, using: &generator)
            return ReadRequest(payload: generator.trytes(count), root: root)
        }
        for result in MessageReader.read(requests, .full) { #expect((try? result.get()) == nil) }
        // Without the signature, one in eight passes for a message.
        #expect(MessageReader.read(requests, .alreadyVerified).count == requests.count)
    }

    @Test func mutatedPayloadsAreTheMessageOrNone() throws {
        var generator = SeededGenerator.announced()
        let vectors = channel.messages
        let originals = try MessageReader.read(vectors.map { try $0.request() }, .full)
            .map { try $0.get() }
        #expect(!originals.isEmpty)
        for _ in 0..<2000 {
            let number = Int.random(in: vectors.indices, using: &generator)
            let payload = mutated(vectors[number].payload, using: &generator)
            for result in MessageReader.read([try vectors[number].request(payload)], .full) {
                // Only what follows the last sibling may have changed.
                if let message = try? result.get() { #expect(message == originals[number]) }
            }
            let opened = MessageReader.read(
                [try vectors[number].request(payload)], .alreadyVerified)
            #expect(opened.count == 1)
        }
    }

    /// Up to four changes: a tryte, a run of one tryte, trytes taken out, trytes put in, or
    /// an end cut off. Half of them near the start, where the integers are.
    private func mutated(_ payload: Trytes, using generator: inout SeededGenerator) -> Trytes {
        var ascii = payload.ascii
        for _ in 0...Int.random(in: 0..<4, using: &generator) {
            guard !ascii.isEmpty else { break }
            let reach = Bool.random(using: &generator) ? min(40, ascii.count) : ascii.count
            let place = Int.random(in: 0..<reach, using: &generator)
            let length = min(Int.random(in: 1..<60, using: &generator), ascii.count - place)
            let one = generator.trytes(1).ascii
            switch Int.random(in: 0..<6, using: &generator) {
            case 0, 1: ascii.replaceSubrange(place...place, with: one)
            case 2:
                let run = [UInt8](repeating: one.first ?? TryteAlphabet.nine, count: length)
                ascii.replaceSubrange(place..<place + length, with: run)
            case 3: ascii.removeSubrange(place..<place + length)
            case 4: ascii.insert(contentsOf: generator.trytes(length).ascii, at: place)
            default: ascii.removeSubrange(place...)
            }
        }
        return Trytes(validated: ascii)
    }
}
