import Foundation
import HTTPServer
import Ternary

/// Answers of a node as IRI puts them: JSON with the milliseconds it took, open to scripts of any
/// page (tangle, *IRI's HTTP API*).
package enum NodeResponse {
    /// - Throws: `CommandRefusal.invalidVersion`; IRI does not look at the header's value.
    package static func checkVersion(of request: HTTPRequest) throws(CommandRefusal) {
        guard request.headers["X-IOTA-API-Version"] != nil else { throw .invalidVersion }
    }

    /// - Parameter result: an object, of which `Answer` is the usual one.
    package static func make(
        _ result: Result<any Encodable & Sendable, CommandRefusal>, duration: Duration
    ) -> HTTPResponse {
        let milliseconds = Int(duration / .milliseconds(1))
        var status = 200
        switch result {
        case .success(let answer):
            guard let bytes = listBytes(of: answer, milliseconds) else { break }
            return json(bytes, status: status)
        case .failure(let refusal): status = refusal.status
        }
        return .json(
            Envelope(result: result, duration: milliseconds), status: status,
            headers: ["Access-Control-Allow-Origin": "*"])
    }

    /// An answer that is JSON already.
    package static func json(_ bytes: [UInt8], status: Int) -> HTTPResponse {
        HTTPResponse(
            status: status,
            headers: ["Content-Type": "application/json", "Access-Control-Allow-Origin": "*"],
            body: .bytes(bytes))
    }

    /// What browsers ask before they send a command.
    package static let preflight = HTTPResponse(
        status: 200,
        headers: [
            "Content-Type": "text/plain",
            "Allow": "GET,HEAD,POST,PUT,DELETE,TRACE,OPTIONS,CONNECT,PATCH",
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Allow-Headers":
                "User-Agent, Origin, X-Requested-With, Content-Type, Accept, X-IOTA-API-Version",
        ])

    private struct Envelope: Encodable {
        let result: Result<any Encodable & Sendable, CommandRefusal>
        let duration: Int

        private enum Key: String, CodingKey { case error, exception, duration }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Key.self)
            switch result {
            case .success(let answer): try answer.encode(to: encoder)
            case .failure(let refusal):
                let key = refusal.status == 500 ? Key.exception : .error
                try container.encode(refusal.publicText, forKey: key)
            }
            try container.encode(duration, forKey: .duration)
        }
    }

    /// Lists of trytes can be long, and nothing in them needs escaping. Nil for other answers.
    private static func listBytes(of answer: any Encodable, _ duration: Int) -> [UInt8]? {
        let quote = UInt8(ascii: "\"")
        func object(_ name: String, _ elements: [Trytes]) -> [UInt8] {
            var bytes = Array("{\"\(name)\":[".utf8)
            bytes.reserveCapacity(elements.reduce(64) { $0 + $1.count + 3 })
            for (index, element) in elements.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                bytes.append(quote)
                bytes += element.ascii
                bytes.append(quote)
            }
            bytes += Array("],\"duration\":\(duration)}".utf8)
            return bytes
        }
        return switch answer as? Answer {
        case .hashes(let hashes): object("hashes", hashes.map(\.trytes))
        case .trytes(let trytes): object("trytes", trytes)
        default: nil
        }
    }
}
