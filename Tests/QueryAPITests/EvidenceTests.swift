import Archive
import ArchiveTestSupport
import Foundation
import MAM
import QueryAPI
import TestSupport
import Testing
import Vault

/// What `…/bundle` gives proves the message to who has the root and nothing else.
@Suite struct EvidenceTests {
    @Test(arguments: ["public", "private", "tree-of-4"])
    func theEvidenceOfAChainLeadsFromTheRootToEveryMessage(name: String) async throws {
        try await TestAPI.with { api in
            let vector = try ChannelVector.named(name)
            let channel = try await api.test.fill(channel: name, clock: api.clock)
            let messages = try await api.pages(of: channel, "order=position").flatMap { $0 }
            #expect(messages.count > 3)
            var reader = try Self.reader(vector)
            for message in messages {
                let document = try await api.evidence(channel, message.sequence)
                let proof = try reader.read(document)
                #expect(proof.message.text == message.text)
                #expect(Int64(proof.message.index) == message.leaf)
                #expect(document.bundle == message.bundle)
                #expect(proof.tails.first == message.tail)
                #expect(proof.tails.count == document.attachments.count)
            }
            // Alone, a later tree's message lies where the root does not lead.
            let last = try #require(messages.last { $0.position > 0 })
            let document = try await api.evidence(channel, last.sequence)
            var alone = try Self.reader(vector)
            #expect(throws: EvidenceError.otherAddress(attachment: 0)) { try alone.read(document) }
        }
    }

    @Test func whateverIsChangedInItIsFound() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "private", clock: api.clock)
            let answer = try await api.get("/v1/channels/\(channel.text)/messages/0/bundle")
            let vector = try ChannelVector.named("private")
            var reader = try Self.reader(vector)
            _ = try reader.read(answer.decoded(EvidenceDocument.self))
            let text = answer.text
            var random = SeededGenerator.announced()
            var tried = 0
            let trytes = text.ranges(of: /"trytes":"[9A-Z]+"/) + text.ranges(of: /"hash":"[9A-Z]+"/)
            #expect(trytes.count > 3)
            for range in trytes {
                for _ in 0..<8 {
                    var changed = Array(text.utf8)
                    let first = text.utf8.distance(
                        from: text.startIndex,
                        to: text[range].firstIndex(of: ":") ?? range.lowerBound)
                    let end = text.utf8.distance(from: text.startIndex, to: range.upperBound) - 1
                    let place = Int.random(in: (first + 2)..<end, using: &random)
                    changed[place] =
                        changed[place] == UInt8(ascii: "9") ? UInt8(ascii: "A") : UInt8(ascii: "9")
                    let document = try JSONDecoder().decode(
                        EvidenceDocument.self, from: Data(changed))
                    var reader = try Self.reader(vector)
                    #expect(throws: EvidenceError.self) { try reader.read(document) }
                    tried += 1
                }
            }
            #expect(tried > 30)
            let none = text.replacing(
                /"attachments":\[.*\],"bundle"/, with: "\"attachments\":[],\"bundle\"")
            let empty = try JSONDecoder().decode(EvidenceDocument.self, from: Data(none.utf8))
            #expect(throws: EvidenceError.noAttachment) { try reader.read(empty) }
            // A side key is no way around the mode.
            let other = try await api.evidence(channel, 0)
            var wrong = try EvidenceReader(
                root: Root(vector.messages[0].root), mode: .public, sideKey: nil)
            #expect(throws: EvidenceError.otherAddress(attachment: 0)) { try wrong.read(other) }
        }
    }

    private static func reader(_ vector: ChannelVector) throws -> EvidenceReader {
        EvidenceReader(
            root: try Root(vector.messages[0].root), mode: vector.mode,
            sideKey: try vector.messages[0].sideKey.map { try SideKey($0) })
    }
}

extension TestAPI {
    fileprivate func evidence(_ channel: ChannelNumber, _ sequence: Int64) async throws
        -> EvidenceDocument
    {
        let answer = try await get("/v1/channels/\(channel.text)/messages/\(sequence)/bundle")
        #expect(answer.status == 200)
        return try answer.decoded(EvidenceDocument.self)
    }
}
