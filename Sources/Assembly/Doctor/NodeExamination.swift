import Failures
import Foundation
import NodeClient

/// Each node: whether it answers, is up with its network, and can be asked for much.
struct NodeExamination {
    /// Milestones a node may be behind what it has heard of; some seconds each.
    private static let lagLimit = 5
    /// Addresses in a request below which crawling many channels gets slow.
    private static let fewAddresses = 10
    /// Seconds that a node's clock may be off.
    private static let clockLimit: TimeInterval = 60

    private let endpoints: [NodeEndpoint]
    private let clock: @Sendable () -> Date

    init(_ endpoints: [NodeEndpoint], clock: @escaping @Sendable () -> Date) {
        (self.endpoints, self.clock) = (endpoints, clock)
    }

    func findings() async -> [Finding] {
        var findings: [Finding] = []
        let transport = CurlTransport()
        for endpoint in endpoints {
            findings.append(await look(at: NodeClient(endpoint: endpoint, transport: transport)))
        }
        if endpoints.count == 1 {
            findings.append(
                .warning(
                    "nodes", "there is one, which can withhold what it likes",
                    "name a second one of somebody else in PERMANODE_NODES"))
        }
        return findings
    }

    private func look(at node: NodeClient) async -> Finding {
        let check = "node \(node.endpoint.shownText)"
        do {
            let info = try await node.nodeInfo()
            let what = "\(info.appName) \(info.appVersion)"
            if let latest = info.newestMilestone, let solid = info.solidMilestone,
                latest - solid > Self.lagLimit
            {
                return .failing(
                    check, "\(what) is \(latest - solid) milestones behind",
                    "wait until it is synchronised, or use another")
            }
            if let time = info.time {
                let skew = Double(time) / 1000 - clock().timeIntervalSince1970
                if abs(skew) > Self.clockLimit {
                    return .warning(
                        check, "\(what)'s clock is \(Int(skew)) s off",
                        "nothing here goes by it; its operator may want to know")
                }
            }
            let limits = try? await node.nodeAPIConfiguration()
            if let most = limits?.maxRequestsList, most < Self.fewAddresses {
                return .warning(
                    check, "\(what) answers for \(most) values a request",
                    "use one that allows more, or crawling many channels is slow")
            }
            return .well(check, "\(what) answers and is synchronised")
        } catch {
            let why = (error as? any Failure)?.operatorText ?? "it does not answer"
            return .failing(
                check, why, "look whether its URL is right and it runs; others are asked meanwhile")
        }
    }
}
