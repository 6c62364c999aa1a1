import Foundation
import Tangle
import Ternary
import TestSupport
import Testing

/// Messages in their plain form are read as a JSON decoder reads them; all others are left to it.
@Suite struct FlatMessageTests {
    private struct Decoded: Decodable {
        let trytes: [String?]
    }

    private static func list(_ text: String) -> [String?]? {
        guard let message = FlatMessage(Array(text.utf8)),
            case .trytes(let ranges)? = message["trytes"]
        else { return nil }
        return ranges.map { $0.map { message.trytes($0).description } }
    }

    @Test func listsAreReadBesidePlainFields() throws {
        let body = """
             { "duration" : 12,\t"trytes":["ABC9", null ,"" , "ZNMO9A9B9C"],
            "info":"a word", "ok":true}
            """
        #expect(Self.list(body) == ["ABC9", nil, "", "ZNMO9A9B9C"])
        let message = try #require(FlatMessage(Array(body.utf8)))
        #expect(message["duration"] == .other)
        #expect(message["ok"] == .other)
        guard case .text(let range)? = message["info"] else {
            Issue.record("no text")
            return
        }
        #expect(String(decoding: message.body[range], as: UTF8.self) == "a word")
        #expect(message["error"] == nil)
        #expect(Self.list("{\"trytes\":[]}") == [])
        #expect(FlatMessage(Array("{}".utf8)) != nil)
    }

    @Test(arguments: [
        "", "{", "[]", "null", "{\"trytes\":[\"AB\"]", "{\"trytes\":[\"AB\"]}x",
        "{\"trytes\":[\"AB]}", "{\"trytes\":[\"AB\",]}", "{\"trytes\":[,]}", "{\"trytes\":[nul]}",
        "{\"trytes\":[\"Ab\"]}", "{\"trytes\":[\"A8\"]}", "{\"trytes\":[\"A\\u0041\"]}",
        "{\"trytes\":[[\"A\"]]}", "{\"trytes\":[1]}", "{\"trytes\":{}}", "{\"a\":{\"b\":1}}",
        "{\"trytes\":[\"A\"],\"trytes\":[]}", "{\"try\\u0074es\":[]}", "{\"ä\":1}", "{a:1}",
    ])
    func whatIsInAnotherFormIsLeftToADecoder(_ text: String) {
        #expect(FlatMessage(Array(text.utf8)) == nil)
    }

    @Test func hashesAreReadWhereAllAre() throws {
        var body: [UInt8] = Array("{\"hashes\":".utf8)
        let hashes = [Hash.null, try Hash(String(repeating: "A", count: 81))]
        FlatMessage.append(hashes.map(\.trytes), to: &body)
        body.append(UInt8(ascii: "}"))
        #expect(FlatMessage(body)?.hashes("hashes") == hashes)
        #expect(FlatMessage(body)?.hashes("other") == nil)
        #expect(FlatMessage(Array("{\"hashes\":[null]}".utf8))?.hashes("hashes") == nil)
        #expect(FlatMessage(Array("{\"hashes\":[\"A\"]}".utf8))?.hashes("hashes") == nil)
    }

    @Test func aFloodOfFieldsIsLeftToADecoder() {
        let fields = (0..<40).map { "\"f\($0)\":\($0)" }.joined(separator: ",")
        #expect(FlatMessage(Array("{\(fields)}".utf8)) == nil)
    }

    /// What is read at all is what a decoder reads, whatever is changed.
    @Test func changedMessagesAreReadAsByADecoderOrNotAtAll() throws {
        var random = SeededGenerator.announced()
        var read = 0
        for _ in 0..<4000 {
            let list = (0..<Int.random(in: 0...4, using: &random)).map { _ in
                "\"\(random.trytes(Int.random(in: 0...40, using: &random)))\""
            }
            var body = Array("{\"trytes\":[\(list.joined(separator: ", "))],\"duration\":1}".utf8)
            for _ in 0..<Int.random(in: 0...2, using: &random) {
                let place = Int.random(in: body.indices, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: body[place] = UInt8.random(in: 0...255, using: &random)
                case 1: body.remove(at: place)
                default:
                    body.insert(
                        Array("\"[]{},:9A\\ ".utf8).randomElement(using: &random) ?? 0, at: place)
                }
            }
            guard let message = FlatMessage(body),
                case .trytes(let ranges)? = message["trytes"]
            else { continue }
            let found = ranges.map { $0.map { message.trytes($0).description } }
            guard let decoded = try? JSONDecoder().decode(Decoded.self, from: Data(body)) else {
                // Only a number's spelling is not looked at.
                #expect(!body.suffix(13).elementsEqual("\"duration\":1}".utf8))
                continue
            }
            #expect(found == decoded.trytes)
            read += 1
        }
        #expect(read > 1000)
    }
}
