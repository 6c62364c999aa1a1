import Foundation
import HTTPServer
import IRICommands
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
        guard request.method != "OPTIONS" else { return NodeResponse.preflight }
        let clock = ContinuousClock()
        let start = clock.now
        var result: Result<any Encodable & Sendable, CommandRefusal>
        do throws(CommandRefusal) {
            result = .success(try await answer(request))
        } catch {
            result = .failure(error)
        }
        if case .failure(.unknownCommand("pruneLedger")) = result { result = pruning(request) }
        return NodeResponse.make(result, duration: clock.now - start)
    }

    private func answer(_ request: HTTPRequest) async throws(CommandRefusal) -> Answer {
        try NodeResponse.checkVersion(of: request)
        let command = try IRICommand.decode(request.body, limits: limits)
        let time = Int64(Date().timeIntervalSince1970 * 1000)
        guard case .attachToTangle(let attach) = command else {
            return try command.answer(from: ledger, limits: limits, time: time)
        }
        return .trytes(try await proofOfWork.attach(attach, timestamp: time).map(\.trytes))
    }

    private struct Pruned: Encodable {
        let pruned: Int
    }

    /// Not IRI's: `{"command": "pruneLedger"}` forgets every transaction, as a node does at a
    /// snapshot; from a loopback address only. The answer says how many.
    private func pruning(
        _ request: HTTPRequest
    ) -> Result<any Encodable & Sendable, CommandRefusal> {
        guard isLoopback(request.remoteAddress) else {
            return .failure(.notAvailable("pruneLedger"))
        }
        return .success(Pruned(pruned: ledger.prune()))
    }

    private func isLoopback(_ address: String) -> Bool {
        address == "::1" || address.hasPrefix("127.") || address.hasPrefix("::ffff:127.")
    }
}
