import MAM
import Ternary
import TestSupport
import Testing

@Suite struct ForgeryTests {
    @Test func everyForgedPayloadIsRefusedForWhatIsWrongWithIt() throws {
        let forgeries = try ForgeryVector.all()
        #expect(!forgeries.isEmpty)
        let genuine =
            try ChannelVector.named("attacked").messages
            + ChannelVector.named("attacked-tree").messages
        for forgery in forgeries {
            let original = try #require(genuine.first { $0.address == forgery.address })
            let results = MessageReader.read([try original.request(forgery.payload)], .full)
            #expect(results.count == 1)
            for case .failure(let error) in results {
                #expect(Self.causes(forgery.why).contains(error), "\(forgery.why): \(error)")
            }
            for case .success in results { Issue.record("read: \(forgery.why)") }
        }
    }

    /// What the reader can see of a forgery that is described as `why`.
    private static func causes(_ why: String) -> Set<ReadError> {
        switch why {
        case "own signature under the channel's root and key",
            "the same, with another next root, seen first", "a copy with one sibling changed":
            [.wrongSignature]
        // What stands after the changed block is garbled, and so is the number of siblings.
        case "a copy with one tryte of the signature changed":
            [.truncated(.siblings), .malformed(.siblingCount, .negativeSignWord)]
        case "a copy cut short": [.truncated(.signature)]
        // The index is a part of what is hashed: another one gives another message hash.
        case "message 1 under the index of leaf 3": [.noSecurityLevel]
        default: []
        }
    }

    @Test func oneForgedPayloadDoesNotTouchItsNeighbours() throws {
        let forgery = try #require(ForgeryVector.all().first)
        let messages = try ChannelVector.named("attacked").messages
        let requests = try [
            messages[0].request(), messages[0].request(forgery.payload), messages[1].request(),
        ]
        let results = MessageReader.read(requests, .full)
        #expect(results.count == 3)
        #expect(try results[0].get().text == messages[0].text)
        #expect((try? results[1].get()) == nil)
        #expect(try results[2].get().text == messages[1].text)
    }

    @Test func aReaderOfTheChannelCannotSignForIt() throws {
        let original = try #require(ChannelVector.named("meter").messages.first)
        let root = try Root(original.root)
        let sideKey = try original.sideKey.map { try SideKey($0) }
        let forger = MessageWriter(
            root: root, nextRoot: try Root(original.nextRoot), sideKey: sideKey,
            seed: try Seed(String(repeating: "F", count: 81)), firstLeaf: 0, securityLevel: 2)
        let payload = try forger.payload(
            content: MessageText.trytes("forged").trits, index: 0, siblings: [])
        let request = ReadRequest(payload: payload, root: root, sideKey: sideKey)
        #expect(MessageReader.read([request], .full) == [.failure(.wrongSignature)])
        // What decrypts is not what is authentic.
        let opened = try #require(MessageReader.read([request], .alreadyVerified).first).get()
        #expect(opened.text == "forged")
    }

    @Test func anIndexBeyondTheTreeIsRefused() throws {
        let root = try Root(String(repeating: "R", count: 81))
        let seed = try Seed(String(repeating: "S", count: 81))
        let writer = MessageWriter(
            root: root, nextRoot: root, sideKey: nil, seed: seed, firstLeaf: 0, securityLevel: 1)
        let siblings = [[Trit]](repeating: [Trit](repeating: 0, count: 243), count: 2)
        let payload = try writer.payload(content: [], index: 4, siblings: siblings)
        let results = MessageReader.read([ReadRequest(payload: payload, root: root)], .full)
        #expect(results == [.failure(.indexBeyondTree(siblingCount: 2))])
        let within = try writer.payload(content: [], index: 3, siblings: siblings)
        #expect(
            MessageReader.read([ReadRequest(payload: within, root: root)], .full)
                == [.failure(.wrongSignature)])
    }

    @Test func moreSiblingsThanThereAreTritsIsTruncated() throws {
        let vector = try #require(ChannelVector.named("private").messages.first)
        let layout = try PayloadLayout.parse(vector.payload)
        let countAt = layout.headTritCount + 6561
        // Masking is addition, so whoever knows the plain trits (no siblings) can choose others.
        let none = try #require(PascalInteger.trits(0))
        for claimed in 1...13 {
            let other = try #require(PascalInteger.trits(UInt64(claimed)))
            #expect(other.count == none.count)
            let cipher = vector.payload.trits
            let head = Array(cipher.prefix(countAt))
            let count = zip(cipher.dropFirst(countAt), zip(none, other)).map { masked, plain in
                (masked - plain.0 + plain.1 + 4) % 3 - 1
            }
            func read(siblingTritCount: Int) throws -> [Result<Message, ReadError>] {
                let siblings = [Trit](repeating: 1, count: siblingTritCount)
                let payload = Trytes(trits: head + count + siblings)
                return MessageReader.read([try vector.request(payload)], .full)
            }
            #expect(
                try read(siblingTritCount: claimed * 243 - 3) == [.failure(.truncated(.siblings))])
            #expect(try read(siblingTritCount: claimed * 243) == [.failure(.wrongSignature)])
        }
    }
}
