import HTTPServer
import Testing

@Suite("Request targets")
struct TargetTests {
    @Test("Paths and queries are decoded, segments one by one")
    func decoding() throws {
        let target = try RequestTarget(
            "/a%20b/c%2Fd//%C3%BC?x=1+2&y=%26&x=&flag&=v", maximumQueryItems: 8)
        #expect(target.path == "/a b/c/d//ü")
        #expect(target.segments == ["a b", "c/d", "", "ü"])
        #expect(
            target.query.items.map { [$0.name, $0.value] }
                == [["x", "1 2"], ["y", "&"], ["x", ""], ["flag", ""], ["", "v"]])
        #expect(target.query["x"] == "1 2")
        #expect(target.query.values("x") == ["1 2", ""])
        #expect(target.query["absent"] == nil)
    }

    @Test("Other forms of a target")
    func forms() throws {
        #expect(try RequestTarget("/", maximumQueryItems: 0).segments == [""])
        #expect(try RequestTarget("*", maximumQueryItems: 0).segments.isEmpty)
        #expect(try RequestTarget("HTTP://h:1/p?q", maximumQueryItems: 1).path == "/p")
    }

    @Test(
        "Malformed targets are refused",
        arguments: [
            "", "no-slash", "/%", "/%4", "/%zz", "/%+1", "/%00", "/%0a", "/%7f", "/%ff", "/%c0%af",
            "/?a=%", "/?%zz", "/?a=%00", "/?a=%ff", "/a#b", "http://host", "http:/", "host:80",
            "/%ed%a0%80",
        ])
    func malformed(target: String) {
        #expect(throws: HTTPRequestError.malformedTarget) {
            try RequestTarget(target, maximumQueryItems: 8)
        }
    }

    @Test("Query items are counted")
    func queryItems() throws {
        #expect(try RequestTarget("/?a&b&c", maximumQueryItems: 3).query.items.count == 3)
        #expect(throws: HTTPRequestError.tooManyQueryItems) {
            try RequestTarget("/?a&b&c&d", maximumQueryItems: 3)
        }
    }

    @Test("No bytes whatever make it trap")
    func anyBytes() {
        var random = SystemRandomNumberGenerator()
        let alphabet = Array("/%?&=+#*:azAZ09\u{0}\u{7f}é")
        var outcomes: Set<Bool> = []
        for _ in 0..<20_000 {
            let count = Int.random(in: 0..<12, using: &random)
            let text = "/" + String((0..<count).map { _ in alphabet.randomElement() ?? "/" })
            outcomes.insert((try? RequestTarget(text, maximumQueryItems: 3)) != nil)
        }
        #expect(outcomes == [true, false])
    }

    @Test("Header names are compared without case, values kept in order")
    func headers() {
        var headers: HTTPHeaders = ["Accept": "a", "X-Other": "o"]
        headers.append("ACCEPT", "b")
        #expect(headers["accept"] == "a")
        #expect(headers.values("aCCept") == ["a", "b"])
        #expect(headers.map(\.name) == ["Accept", "X-Other", "ACCEPT"])
        headers["accept"] = "c"
        #expect(headers.values("Accept") == ["c"])
        headers["accept"] = nil
        #expect(headers.map(\.value) == ["o"])
    }
}
