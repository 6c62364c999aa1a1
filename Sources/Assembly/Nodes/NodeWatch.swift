import Diagnostics
import NodeClient

/// Looks at the nodes now and then: whom to ask follows from it, and an operator reads in the
/// metrics and the log which of them is ill, behind, or of another network.
package struct NodeWatch: Sendable {
    /// Milestones come every few seconds to a minute: what is behind is noticed after some of them.
    private static let interval: Duration = .seconds(15)

    private let nodes: @Sendable () -> NodePool
    private let log: Log
    private let instruments: NodeInstruments

    /// - Parameter nodes: Gives those to look at, which may be exchanged for others.
    /// - Throws: `MetricsError` where the names are taken by others.
    package init(
        _ nodes: @escaping @Sendable () -> NodePool, metrics: Metrics, log: Log
    ) throws {
        self.nodes = nodes
        self.log = log
        instruments = try NodeInstruments(metrics)
    }

    /// Until the task is cancelled.
    package func run() async {
        var news = NodeNews()
        while !Task.isCancelled {
            let reports = await nodes().look()
            instruments.show(reports)
            for change in news.changes(in: reports) { tell(change) }
            guard (try? await Task.sleep(for: Self.interval)) != nil else { return }
        }
    }

    private func tell(_ change: NodeNews.Change) {
        let node: LogFields = ["node": .string(change.endpoint.shownText)]
        switch change.what {
        case .place(.otherNetwork):
            log.error("a node follows another coordinator and is not asked any more", node)
        case .place(.rolledBack):
            log.warning("a node was put back to an earlier state and comes last", node)
        case .place(.behind): log.warning("a node is behind the others and comes last", node)
        case .place(.inStep): log.info("a node is in step with the others", node)
        case .place(.unknown): break
        case .refused(let count):
            log.warning(
                "a node gives transactions that were not asked for",
                node.merging(["transactions": .int(Int64(count))]))
        case .cut(let count):
            log.info(
                "a node's lists are as long as it gives them",
                node.merging(["lists": .int(Int64(count))]))
        }
    }
}

/// What is worth a line in the log: what changed since the last look.
struct NodeNews {
    enum What: Equatable {
        case place(NodeStanding.Place)
        /// Further transactions of another hash than was asked for.
        case refused(Int)
        /// Further lists that were cut, or may have been.
        case cut(Int)
    }

    struct Change: Equatable {
        let endpoint: NodeEndpoint
        let what: What
    }

    private var known: [NodeEndpoint: (place: NodeStanding.Place, deeds: NodeDeeds)] = [:]

    /// - Parameter reports: of at most `NodePool.maximumNodes`.
    mutating func changes(in reports: [NodeReport]) -> [Change] {
        var changes: [Change] = []
        for report in reports {
            let before = known[report.endpoint] ?? (.unknown, NodeDeeds())
            func add(_ what: What) {
                changes.append(Change(endpoint: report.endpoint, what: what))
            }
            if report.standing.place != before.place { add(.place(report.standing.place)) }
            let refused = report.deeds.refused - before.deeds.refused
            if refused > 0 { add(.refused(refused)) }
            let cut = report.deeds.cut - before.deeds.cut
            if cut > 0 { add(.cut(cut)) }
            known[report.endpoint] = (report.standing.place, report.deeds)
        }
        return changes
    }
}
