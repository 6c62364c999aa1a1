import Archive
import ArchiveTestSupport
import Foundation
import HTTPServer
import MAM
import QueryAPI
import Secrets
import Tangle
import Ternary
import TestSupport
import Testing
import Vault

/// What `mam.js` 1.x asks of a node of Chrysalis.
@Suite struct ChrysalisTests {
    /// Undoes the packing as clients do: codes from 27 up are ignored.
    private func unpack(_ bytes: some Sequence<UInt8>) throws -> Trytes {
        var (bits, count) = (0, 0)
        var trytes: [UInt8] = []
        for byte in bytes {
            (bits, count) = (bits << 8 | Int(byte), count + 8)
            while count >= 5 {
                count -= 5
                let code = bits >> count & 31
                if code < 27 {
                    trytes.append(code == 0 ? UInt8(ascii: "9") : UInt8(64 + code))
                }
            }
            bits &= (1 << count) - 1
        }
        return try Trytes(ascii: trytes)
    }

    @Test(arguments: ["public", "tagged", "meter", "edge-sizes"])
    func aChannelIsReadMessageByMessage(_ name: String) async throws {
        try await TestAPI.with(node: NodeInterfaceSettings()) { api in
            let channel = try await api.test.fill(channel: name, clock: api.clock)
            try await api.archive.setNodeInterface(.public, of: channel)
            while try await api.archive.workOnNodeLookups() {}
            let vector = try ChannelVector.named(name)
            let recorded = try RecordedTangle()
            for message in vector.messages {
                let index = Digest.blake2b(message.address.trytes.ascii)
                let list = try await api.get(
                    "/api/v1/messages?index=\(Hex.encode(index))", token: .none)
                #expect(list.status == 200)
                #expect(list.headers["Access-Control-Allow-Origin"] == "*")
                let ids = try #require(list.json["data"]?["messageIds"]?.texts)
                #expect(list.json["data"]?["count"] == .number(Double(ids.count)))
                #expect(list.json["data"]?["maxResults"] == .number(1_000))
                #expect(list.json["data"]?["index"]?.text == Hex.encode(index))
                #expect(ids.count == 1)
                let shown = try await api.get("/api/v1/messages/\(ids[0])", token: .none)
                #expect(shown.status == 200)
                let payload = try #require(shown.json["data"]?["payload"])
                #expect(payload["type"] == .number(2))
                #expect(payload["index"]?.text == Hex.encode(index))
                let data = try Hex.decode(#require(payload["data"]?.text))
                let tagCount = Int(try #require(data.first))
                let tail = try #require(
                    message.transactions.last.flatMap { recorded.transactions[$0] })
                #expect(tail.currentIndex == 0)
                let tag = try unpack(data[1..<1 + tagCount])
                #expect(tag.padded(to: 27) == tail.tag)
                let trytes = try unpack(data[(1 + tagCount)...])
                #expect(trytes.ascii.starts(with: message.payload.ascii))
                let read = try MessageReader.read([message.request(trytes)], .full)[0].get()
                #expect(message.contents.contains(read.contentTrytes))
            }
        }
    }

    @Test func whatIsNotThereAndWhatIsWrongIsToldAsNodesTellIt() async throws {
        try await TestAPI.with(node: NodeInterfaceSettings()) { api in
            let channel = try await api.test.fill(channel: "private", clock: api.clock)
            try await api.archive.setNodeInterface(.token, of: channel)
            while try await api.archive.workOnNodeLookups() {}
            let message = try #require(ChannelVector.named("private").messages.first)
            let index = Hex.encode(Digest.blake2b(message.address.trytes.ascii))
            let tail = try #require(message.transactions.last)
            let id = Hex.encode(NodeMessage.identifier(of: tail))
            func get(_ target: String, _ token: Token) async throws -> Answer {
                try await api.get(target, token: token)
            }
            // To who may not know it, it never was.
            let hidden = try await get("/api/v1/messages?index=\(index)", .none)
            #expect(hidden.json["data"]?["messageIds"] == .array([]))
            let never = String(repeating: "0", count: 64)
            for name in [id, never, "00", "zz", String(repeating: "0", count: 130)] {
                let answer = try await get("/api/v1/messages/\(name)", .none)
                #expect(answer.status == 404)
                #expect(answer.json["error"]?["code"]?.text == "404")
                #expect(answer.json["error"]?["message"]?.text == "there is no such message")
            }
            let reader = try await api.reader(channel)
            #expect(
                try await get("/api/v1/messages?index=\(index)", .text(reader))
                    .json["data"]?["messageIds"]?.texts == [id])
            #expect(try await get("/api/v1/messages/\(id)", .text(reader)).status == 200)
            // A transaction inside of a bundle is no message.
            let inner = Hex.encode(NodeMessage.identifier(of: message.transactions[0]))
            #expect(try await get("/api/v1/messages/\(inner)", .text(reader)).status == 404)
            for query in [
                "", "?index=", "?index=0", "?index=xy", "?index=\(never)\(never)00", "?tag=1",
            ] {
                let answer = try await get("/api/v1/messages\(query)", .none)
                #expect(answer.status == 400)
                #expect(answer.json["error"]?["code"]?.text == "400")
            }
            #expect(try await get("/api/v1/info", .text("pmn_x")).status == 401)
            let info = try await get("/api/v1/info", .none)
            #expect(info.json["data"]?["isHealthy"] == .bool(true))
            #expect(info.json["data"]?["networkId"]?.text != nil)
            #expect(try await api.call("OPTIONS", "/api/v1/info", token: .none).status == 200)
        }
    }

    @Test func packingIsFiveBitsATryteFilledUpWithOnes() {
        #expect(ChrysalisPayload.pack(Array("".utf8)[...]) == [])
        #expect(ChrysalisPayload.pack(Array("9".utf8)[...]) == [0b0000_0111])
        #expect(ChrysalisPayload.pack(Array("A".utf8)[...]) == [0b0000_1111])
        #expect(ChrysalisPayload.pack(Array("Z9".utf8)[...]) == [0b1101_0000, 0b0011_1111])
        #expect(
            ChrysalisPayload.pack(Array("ZZZZZZZZ".utf8)[...])
                == [0b1101_0110, 0b1011_0101, 0b1010_1101, 0b0110_1011, 0b0101_1010])
    }
}
