import MAM
import Ternary
import TestSupport
import Testing

@Suite struct ReadingTests {
    @Test func everyMessageOfEveryChannelReadsFromItsPayload() throws {
        let channels = try ChannelVector.all()
        #expect(!channels.isEmpty)
        for channel in channels {
            #expect(!channel.messages.isEmpty)
            let requests = try channel.allMessages.map { try $0.request() }
            for verification in [Verification.full, .alreadyVerified] {
                let results = MessageReader.read(requests, verification)
                #expect(results.count == requests.count)
                for (vector, result) in zip(channel.allMessages, results) {
                    try expect(result.get(), is: vector, of: channel)
                }
            }
        }
    }

    @Test func everyMessageOfEveryChannelReadsFromItsFragments() throws {
        let fragments = try TangleVectors.fragments()
        let channels = try ChannelVector.all()
        #expect(!fragments.isEmpty && !channels.isEmpty)
        for channel in channels {
            let absent = (channel.missing ?? []) + (channel.incomplete ?? [])
            for (number, vector) in channel.allMessages.enumerated() {
                let found = vector.transactions.reversed().compactMap { fragments[$0] }
                guard !absent.contains(number) else {
                    #expect(found.count < vector.transactions.count)
                    continue
                }
                #expect(found.count == vector.transactions.count)
                let joined = found.reduce(Trytes(validated: []), +)
                let results = MessageReader.read([try vector.request(joined)], .full)
                #expect(results.count == 1)
                for result in results { try expect(result.get(), is: vector, of: channel) }
            }
        }
    }

    @Test func theHeadIsEnoughForWhatWasVerified() throws {
        let channels = try ChannelVector.all()
        #expect(!channels.isEmpty)
        for channel in channels {
            for vector in channel.messages {
                let layout = try PayloadLayout.parse(vector.payload)
                let headTrits = vector.payload.trits.prefix(layout.headTritCount)
                let head = Trytes(trits: headTrits)
                #expect(head.count == layout.headTryteCount)
                #expect(head.count < vector.payload.count)
                let results = MessageReader.read([try vector.request(head)], .alreadyVerified)
                for result in results { try expect(result.get(), is: vector, of: channel) }
                let full = MessageReader.read([try vector.request(head)], .full)
                #expect(full == [.failure(.truncated(.signature))])
            }
        }
    }

    @Test func theLayoutIsReadWithoutAKey() throws {
        let vector = try #require(ChannelVector.named("tree-of-4").messages.last)
        let layout = try PayloadLayout.parse(vector.payload)
        let message = try #require(
            try MessageReader.read([vector.request()], .full).first
        ).get()
        #expect(layout.index == vector.index)
        #expect(layout.messageTritCount == message.contentTritCount)
        #expect(layout.headTritCount == message.headTritCount)
        #expect(message.siblingCount == 2)
        let payloadTritCount = try #require(message.payloadTritCount)
        #expect(vector.payload.count * 3 - payloadTritCount <= 8)
    }

    @Test func messagesLieAtTheAddressOfTheirRoot() throws {
        let channels = try ChannelVector.all()
        #expect(!channels.isEmpty)
        for channel in channels {
            for vector in channel.allMessages {
                let root = try Root(vector.root)
                #expect(ChannelAddress.address(of: root, mode: channel.mode) == vector.address)
            }
        }
    }

    @Test func twoMessagesOfOneLeafAreBothAuthentic() throws {
        let channel = try ChannelVector.named("key-reuse")
        let twins = try #require(channel.conflicting)
        let original = try #require(channel.messages.first)
        let twin = try #require(twins.first)
        let results = try MessageReader.read([original.request(), twin.request()], .full)
            .map { try $0.get() }
        #expect(results.count == 2)
        #expect(results[0].index == results[1].index)
        #expect(results[0].messageHash != results[1].messageHash)
    }

    @Test func anotherKeyOpensNothing() throws {
        let vector = try #require(ChannelVector.named("rotating").messages.first)
        var generator = SeededGenerator.announced()
        for _ in 0..<100 {
            let request = ReadRequest(
                payload: vector.payload, root: try Root(vector.root),
                sideKey: try SideKey(trytes: generator.trytes(81)))
            for result in MessageReader.read([request], .full) {
                guard case .failure(let error) = result else {
                    Issue.record("a random key opened the message")
                    continue
                }
                #expect(error.dependsOnKey)
            }
        }
    }

    private func expect(
        _ message: Message, is vector: ChannelVector.Message, of channel: ChannelVector
    ) throws {
        #expect(message.text == vector.text, "\(channel.name)")
        #expect(vector.contents.contains(message.contentTrytes), "\(channel.name)")
        #expect(message.nextRoot == (try Root(vector.nextRoot)), "\(channel.name)")
        #expect(message.index == vector.index, "\(channel.name)")
        #expect(message.securityLevel == channel.security, "\(channel.name)")
    }
}
