import Archive
import Foundation
import HTTPServer
import IRICommands
import Tangle
import Ternary
import Vault

/// The commands of an IRI node, answered from what is archived (tangle, *IRI's HTTP API*).
struct NodeRoutes: Sendable {
    /// Values asked for that cost as much as a request.
    static let valuesPerRequest = 25.0

    let archive: Archive
    let watch: ChannelWatch
    /// Nil where the commands are not answered at all.
    let settings: NodeInterfaceSettings?

    var routes: [Route] {
        ["/", "/api"].flatMap { path in
            [
                Route("POST", path, .anyoneOrReader, errors: .node, isLimited: true, command),
                Route("OPTIONS", path, .anyone, errors: .node) { _ in
                    guard settings != nil else { throw RequestError.nodeInterfaceOff }
                    return NodeResponse.preflight
                },
            ]
        }
    }

    @Sendable private func command(_ call: Call) async throws -> HTTPResponse {
        guard let settings else { throw RequestError.nodeInterfaceOff }
        let clock = ContinuousClock()
        let start = clock.now
        do {
            try NodeResponse.checkVersion(of: call.request)
            let command = try IRICommand.decode(call.request.body, limits: settings.limits)
            call.charge(Self.cost(of: command))
            let answer = try await answer(command, call, settings)
            if let caller = call.caller { try await archive.checkStillAllowed(caller) }
            switch answer {
            case .own(let answer, let marks):
                return watch.watched(
                    NodeResponse.make(.success(answer), duration: clock.now - start), marks, call)
            case .forwarded(let status, let body):
                return NodeResponse.json(body, status: status)
            }
        } catch let refusal as CommandRefusal {
            return NodeResponse.make(.failure(refusal), duration: clock.now - start)
        }
    }

    private enum Reply {
        case own(Answer, of: [ChannelNumber: Int64] = [:])
        case forwarded(status: Int, body: [UInt8])
    }

    private func answer(
        _ command: IRICommand, _ call: Call, _ settings: NodeInterfaceSettings
    ) async throws -> Reply {
        let asker = call.caller?.scope
        switch command {
        case .getNodeInfo:
            return .own(.nodeInfo(Self.nodeInfo(canWrite: settings.forwarder != nil)))
        case .getNodeAPIConfiguration: return .own(.limits(settings.limits))
        case .findTransactions(let query):
            let found = try await archive.nodeTransactions(
                query, limit: settings.limits.findTransactions, for: asker)
            guard let found else { throw CommandRefusal.overLimit }
            return .own(.hashes(found.value), of: found.marks)
        case .getTrytes(let hashes):
            let found = try await archive.nodeTrytes(hashes, for: asker)
            return .own(
                .trytes(hashes.map { found.value[$0] ?? Answer.unknownTrytes }), of: found.marks)
        case .getInclusionStates(let hashes):
            return .own(.states(try await archive.nodeStates(hashes, for: asker)))
        case .wereAddressesSpentFrom(let addresses):
            // MAM spends from none.
            return .own(.states(addresses.map { _ in false }))
        case .getTransactionsToApprove, .attachToTangle, .interruptAttachingToTangle,
            .storeTransactions, .broadcastTransactions, .checkConsistency:
            guard let forwarder = settings.forwarder else {
                throw CommandRefusal.notAvailable(command.name)
            }
            let reply = try await forwarder.forward(call.request.body)
            return .forwarded(status: reply.status, body: reply.body)
        }
    }

    /// Milestones are nodes' own: an archive has none to tell.
    private static func nodeInfo(canWrite: Bool) -> NodeInfoAnswer {
        NodeInfoAnswer(
            appName: "permanode", appVersion: "1", milestone: 0, snapshot: 0,
            time: Int64(Date().timeIntervalSince1970 * 1000),
            features: canWrite ? ["RemotePOW"] : [])
    }

    /// What a command costs beyond the request itself.
    private static func cost(of command: IRICommand) -> Double {
        let values =
            switch command {
            case .findTransactions(let query):
                [query.addresses, query.bundles, query.approvees].reduce(query.tags?.count ?? 0) {
                    $0 + ($1?.count ?? 0)
                }
            case .getTrytes(let hashes), .getInclusionStates(let hashes): hashes.count
            case .storeTransactions(let transactions), .broadcastTransactions(let transactions):
                transactions.count
            // Proof of work is a node's dearest.
            case .attachToTangle(let request): request.transactions.count * 100
            default: 0
            }
        return Double(values) / valuesPerRequest
    }
}
