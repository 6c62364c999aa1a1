import Foundation
import HTTPServer
import Tangle

/// The node without its socket: requests in, responses out.
package struct LocalNode: Sendable {
    package let ledger: Ledger
    package let limits: NodeLimits
    private let proofOfWork = ProofOfWork()

    package init(ledger: Ledger = Ledger(), limits: NodeLimits = NodeLimits()) {
        self.ledger = ledger
        self.limits = limits
    }

    /// Answers any request on any path; what is wrong with it stands in the response as IRI
    /// would put it.
    package func respond(to request: HTTPRequest) async -> HTTPResponse {
        guard request.method != "OPTIONS" else { return Self.preflight }
        let clock = ContinuousClock()
        let start = clock.now
        let result: Result<Answer, CommandRefusal>
        do throws(CommandRefusal) {
            result = .success(try await answer(request))
        } catch {
            result = .failure(error)
        }
        let duration = Int((clock.now - start) / .milliseconds(1))
        return Self.response(result, duration: duration)
    }

    private func answer(_ request: HTTPRequest) async throws(CommandRefusal) -> Answer {
        // IRI does not look at its value.
        guard request.headers["X-IOTA-API-Version"] != nil else { throw .invalidVersion }
        let command = try Command.decode(request.body, limits: limits)
        let time = Int64(Date().timeIntervalSince1970 * 1000)
        switch command {
        case .attachToTangle(let attach):
            return .trytes(try await proofOfWork.attach(attach, timestamp: time).map(\.trytes))
        case .pruneLedger where !isLoopback(request.remoteAddress):
            throw .notAvailable("pruneLedger")
        default: return try command.answer(from: ledger, limits: limits, time: time)
        }
    }

    private struct Envelope: Encodable {
        let result: Result<Answer, CommandRefusal>
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

    private static func response(
        _ result: Result<Answer, CommandRefusal>, duration: Int
    ) -> HTTPResponse {
        let status =
            switch result {
            case .success: 200
            case .failure(let refusal): refusal.status
            }
        return .json(
            Envelope(result: result, duration: duration), status: status,
            headers: ["Access-Control-Allow-Origin": "*"])
    }

    private func isLoopback(_ address: String) -> Bool {
        address == "::1" || address.hasPrefix("127.") || address.hasPrefix("::ffff:127.")
    }

    private static let preflight = HTTPResponse(
        status: 200,
        headers: [
            "Content-Type": "text/plain",
            "Allow": "GET,HEAD,POST,PUT,DELETE,TRACE,OPTIONS,CONNECT,PATCH",
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Allow-Headers":
                "User-Agent, Origin, X-Requested-With, Content-Type, Accept, X-IOTA-API-Version",
        ])
}
