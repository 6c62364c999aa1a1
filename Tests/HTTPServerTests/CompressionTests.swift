import HTTPServer
import Synchronization
import TestSupport
import Testing

@Suite struct CompressionTests {
    private static func request(_ accepted: String?) throws -> HTTPRequest {
        var headers = HTTPHeaders()
        headers["Accept-Encoding"] = accepted
        return try HTTPRequest(method: "GET", target: "/", headers: headers)
    }

    private static let text = (0..<20_000).map { "line \($0), \($0 % 7)\n" }.joined()

    @Test(arguments: [
        ("gzip", true), ("GZIP", true), ("x-gzip", true), ("*", true), ("gzip;q=0.1", true),
        ("br, gzip;q=0.5", true), ("identity;q=0.5, gzip;q=0.5", true), ("gzip ; q=1.000", true),
        ("gzip;q=0", false), ("gzip;q=0.000", false), ("*;q=0", false), ("br", false),
        ("gzip;q=0, *", false), ("identity, gzip;q=0.5", false), ("gzip;q=x", false), ("", false),
        ("gzip;q=1.001", false), ("gzip;q=-1", false),
    ])
    func gzipIsAnsweredToWhoWantsIt(accepted: String, isWanted: Bool) async throws {
        let plain = HTTPResponse.text(Self.text)
        let answer = plain.compressed(for: try Self.request(accepted))
        #expect(answer.headers["Content-Encoding"] == (isWanted ? "gzip" : nil))
        #expect(answer.headers["Vary"] == "Accept-Encoding")
        let body = try await answer.collectedBody()
        if isWanted {
            #expect(body.count < Self.text.utf8.count / 2)
            let (bytes, isWhole) = try Gzip.decompressed(body)
            #expect(bytes == Array(Self.text.utf8) && isWhole)
        } else {
            #expect(body == Array(Self.text.utf8))
        }
    }

    @Test func whatIsShortOrHasNoBodyStaysAsItIs() async throws {
        let request = try Self.request("gzip")
        for answer in [HTTPResponse.text("short"), HTTPResponse(status: 304)] {
            let same = answer.compressed(for: request)
            #expect(same.headers["Content-Encoding"] == nil)
            #expect(try await same.collectedBody() == answer.collectedBody())
        }
    }

    /// Everything written can be read at once, and all of it is there at the end.
    @Test func eachPieceOfAStreamCanBeReadWhenItWasWritten() async throws {
        let pieces = [[UInt8]("first\n".utf8), Array(Self.text.utf8), [], Array("last\n".utf8)]
        let answer = HTTPResponse(
            status: 200,
            body: .stream { writer in for piece in pieces { try await writer.write(piece) } }
        ).compressed(for: try Self.request("gzip"))
        guard case .stream(let write) = answer.body else {
            Issue.record("no stream")
            return
        }
        let collector = Pieces()
        try await write(collector)
        let written = collector.written.withLock { $0 }
        #expect(written.count > pieces.count)
        let first = try Gzip.decompressed(written[0])
        #expect(first.bytes == pieces[0])
        #expect(!first.isWhole)
        let all = try Gzip.decompressed(written.flatMap { $0 })
        #expect(all.bytes == pieces.flatMap { $0 })
        #expect(all.isWhole)
    }

    @Test func aStreamThatFailsHasNoTrailer() async throws {
        struct Trouble: Error {}
        let answer = HTTPResponse(
            status: 200,
            body: .stream { writer in
                try await writer.write(Self.text)
                throw Trouble()
            }
        ).compressed(for: try Self.request("gzip"))
        guard case .stream(let write) = answer.body else {
            Issue.record("no stream")
            return
        }
        let collector = Pieces()
        await #expect(throws: Trouble.self) { try await write(collector) }
        let (bytes, isWhole) = try Gzip.decompressed(
            collector.written.withLock { $0 }.flatMap { $0 })
        #expect(bytes == Array(Self.text.utf8))
        #expect(!isWhole)
    }

    @Test(arguments: [
        ("text/csv", 1), ("text/*;q=0.2, */*;q=0.1", 1), ("*/*", 0), ("", 0),
        ("application/json;q=0.5, text/csv;q=0.6", 1), ("image/png", nil),
        ("application/json;q=0, application/*", nil), ("Text/CSV;header=present", 1),
        ("a/b;q=0.12345, */*;q=0", nil), ("text/csv;q=0.5;q=1, application/json;q=0.4", 1),
    ])
    func theMostSpecificRangeDecides(accepted: String, index: Int?) {
        let types = ["application/json", "text/csv"]
        #expect(HTTPPreferences([accepted]).mediaType(among: types) == index)
    }
}

private final class Pieces: HTTPBodyWriter {
    let written = Mutex<[[UInt8]]>([])

    func write(_ bytes: [UInt8]) async throws {
        if !bytes.isEmpty { written.withLock { $0.append(bytes) } }
    }
}
