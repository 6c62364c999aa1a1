import MAM
import Ternary
import TestSupport
import Testing

@Suite struct ReadingTests {
    @Test func everyMessageOfEveryChannelReads() throws {
        let channels = try ChannelVector.all()
        #expect(!channels.isEmpty)
        for channel in channels {
            #expect(!channel.messages.isEmpty)
            let requests = try channel.allMessages.map { try $0.request() }
            for verification in [Verification.full, .alreadyVerified] {
                let results = MessageReader.read(requests, verification)
                #expect(results.count == requests.count)
                for (vector, result) in zip(channel.allMessages, results) {
                    let message = try result.get()
                    #expect(message.text == vector.text, "\(channel.name)")
                    #expect(vector.contents.contains(message.contentTrytes), "\(channel.name)")
                    #expect(message.nextRoot == (try Root(vector.nextRoot)))
                    #expect(message.index == vector.index)
                    #expect(message.securityLevel == channel.security)
                }
            }
        }
    }
}
