import Archive
import TestSupport
import Testing

/// JSON from somebody else: what is read of it, and what is none.
@Suite struct JSONFragmentTests {
    private func read(_ text: String) -> JSONFragment? { JSONFragment(Array(text.utf8)) }

    private func text(_ json: String, _ name: String = "a") -> String? {
        read(json)?[name]?.text.map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func textsOfMembersAreRead() {
        #expect(text(#"{"a":"b"}"#) == "b")
        #expect(
            text(" {\"x\" : [1, -2.5e+10, {\"a\": 7}], \n\t\"a\" : \"b\" , \"y\": null }\r\n")
                == "b")
        #expect(text(#"{"a":"\u0041\n\"\\\/\ud83d\ude00"}"#) == "A\n\"\\/😀")
        #expect(text(#"{"\u0061":"b"}"#) == "b")
        #expect(text(#"{"a":""}"#) == "")
        #expect(text(#"{"a":"\ud83d"}"#) == "\u{fffd}")
        #expect(text(#"{"a":"\ud83dx"}"#) == "\u{fffd}x")
        #expect(read(#"{"m":{"a":"b"}}"#)?["m"]?["a"]?.text == Array("b".utf8))
        #expect(text(#"{"__proto__":"b","constructor":"c"}"#, "__proto__") == "b")
    }

    @Test func whatIsNoTextOrNamedTwiceIsNone() {
        for json in [
            #"{"a":1}"#, #"{"a":null}"#, #"{"a":["b"]}"#, #"{"a":{"a":"b"}}"#, #"{"b":"a"}"#,
            #"{"a":"b","a":"b"}"#, #"{"a":"b","\u0061":"c"}"#, #"["a","b"]"#, #""a""#, "{}", "[]",
            "1e999999999999999999999", "true",
        ] {
            #expect(read(json) != nil, "\(json)")
            #expect(text(json) == nil, "\(json)")
        }
    }

    @Test func whatIsNoJSONIsRefused() {
        for json in [
            "", " ", "{", "}", "[", "{\"a\"}", "{\"a\":}", "{\"a\":\"b\",}", "{a:1}", "{'a':1}",
            "{\"a\":\"b\"}x", "{\"a\":\"b\"}{}", "[1,]", "[1 2]", "01", "-", "1.", "1e", ".5",
            "+1", "NaN", "tru", "\"a", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\n\"", "\"\u{0}\"",
            "{\"a\":\"b\" \"c\":1}", "\u{feff}{}",
        ] {
            #expect(read(json) == nil, "\(json)")
        }
    }

    @Test func depthMembersAndBytesAreBounded() {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(read(nested(JSONFragment.depthLimit)) != nil)
        #expect(read(nested(JSONFragment.depthLimit + 1)) == nil)
        #expect(read(nested(100_000)) == nil)
        #expect(read(String(repeating: "{\"a\":", count: 50_000)) == nil)
        func members(_ count: Int) -> String {
            "{" + (0..<count).map { "\"\($0)\":0" }.joined(separator: ",") + "}"
        }
        #expect(read(members(JSONFragment.memberLimit)) != nil)
        #expect(read(members(JSONFragment.memberLimit + 1)) == nil)
        func long(_ count: Int) -> String { "\"" + String(repeating: "a", count: count - 2) + "\"" }
        #expect(read(long(JSONFragment.byteLimit)) != nil)
        #expect(read(long(JSONFragment.byteLimit + 1)) == nil)
    }

    @Test func anyBytesHaveAnOutcome() {
        var generator = SeededGenerator.announced()
        let seeds = [
            #"{"type":"KEY_ROTATION","A":"B\u0041","n":[1,2e5,{"x":null}],"t":true}"#,
            #"["\\",{}]"#,
        ].map { Array($0.utf8) }
        var read = 0
        for _ in 0..<50_000 {
            var bytes = seeds.randomElement(using: &generator) ?? []
            for _ in 0...Int.random(in: 0..<3, using: &generator) where !bytes.isEmpty {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[place] = .random(in: .min ... .max, using: &generator)
                case 1: bytes.remove(at: place)
                default: bytes.insert(bytes.randomElement(using: &generator) ?? 0, at: place)
                }
            }
            if JSONFragment(bytes) != nil { read += 1 }
        }
        #expect(read > 0 && read < 50_000)
    }
}
