import Foundation
import HTTPServer

/// What a node can do wrong, for tests of what reads from it.
package enum Misbehaviour: Sendable, Hashable {
    /// 503, as an unsynced node answers.
    case refuse
    /// A page of HTML with status 200, as a proxy before a node answers.
    case html
    /// The first half of the right answer, and then the regular end.
    case halfJSON
    /// An answer that begins well and never ends.
    case endless
    /// The right answer, a byte at a time with this pause between them.
    case slow(pause: Duration)
    /// `getTrytes` without the last transaction asked for.
    case fewerTrytes
    /// `getTrytes` with the first tryte of each transaction changed.
    case wrongTrytes
    /// No answer for as long as the server's deadline lets the request wait.
    case stall

    /// What is answered instead of `right`, which is only worked out where it is needed.
    func spoil(_ right: () async -> HTTPResponse) async -> HTTPResponse {
        switch self {
        case .refuse:
            return .text(
                #"{"error":"node not synced"}"#, status: 503, contentType: "application/json")
        case .html:
            return .text("<html><body>Welcome</body></html>", contentType: "text/html")
        case .stall:
            // Cancelled when the server's deadline passes or the server stops.
            while !Task.isCancelled { try? await Task.sleep(for: .seconds(3_600)) }
            return HTTPResponse(status: 503)
        default: break
        }
        let response = await right()
        guard case .bytes(let bytes) = response.body else { return response }
        switch self {
        case .halfJSON: return response.with(.bytes(Array(bytes.prefix(bytes.count / 2))))
        case .endless: return response.with(.stream(Self.endless))
        case .slow(let pause):
            return response.with(
                .stream { writer in
                    for byte in bytes {
                        try await writer.write([byte])
                        try await Task.sleep(for: pause)
                    }
                })
        case .fewerTrytes: return response.withTrytes(of: bytes) { Array($0.dropLast()) }
        case .wrongTrytes:
            return response.withTrytes(of: bytes) { trytes in
                trytes.map { ($0.first == "A" ? "B" : "A") + $0.dropFirst() }
            }
        case .refuse, .html, .stall: return response
        }
    }

    private static func endless(_ writer: any HTTPBodyWriter) async throws {
        try await writer.write(#"{"hashes":[""#)
        let nines = [UInt8](repeating: UInt8(ascii: "9"), count: 1 << 14)
        while true { try await writer.write(nines) }
    }
}

extension HTTPResponse {
    fileprivate func with(_ body: Body) -> HTTPResponse {
        HTTPResponse(status: status, headers: headers, body: body)
    }

    /// The same answer with other trytes; unchanged where it has none.
    fileprivate func withTrytes(
        of bytes: [UInt8], _ change: ([String]) -> [String]
    ) -> HTTPResponse {
        struct Answer: Codable { var trytes: [String] }
        guard var answer = try? JSONDecoder().decode(Answer.self, from: Data(bytes)) else {
            return self
        }
        answer.trytes = change(answer.trytes)
        return .json(answer, status: status)
    }
}
