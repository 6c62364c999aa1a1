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
    /// `findTransactions` with so many hashes at most, without a word, as Hornet cuts it.
    case cutHashes(Int)
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
        case .cutHashes(let limit):
            return response.changing(bytes) {
                $0.hashes = $0.hashes.map { Array($0.prefix(limit)) }
            }
        case .fewerTrytes: return response.changing(bytes) { $0.trytes = $0.trytes?.dropLast() }
        case .wrongTrytes:
            return response.changing(bytes) { answer in
                answer.trytes = answer.trytes?.map {
                    ($0.first == "A" ? "B" : "A") + $0.dropFirst()
                }
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

/// What answers with a list consist of.
private struct ListAnswer: Codable {
    var hashes: [String]?
    var trytes: [String]?
    let duration: Int
}

extension HTTPResponse {
    fileprivate func with(_ body: Body) -> HTTPResponse {
        HTTPResponse(status: status, headers: headers, body: body)
    }

    /// The answer `bytes` with other lists; unchanged where it has none.
    fileprivate func changing(
        _ bytes: [UInt8], _ change: (inout ListAnswer) -> Void
    ) -> HTTPResponse {
        guard var answer = try? JSONDecoder().decode(ListAnswer.self, from: Data(bytes)),
            answer.hashes != nil || answer.trytes != nil
        else { return self }
        change(&answer)
        return .json(answer, status: status)
    }
}
