import Diagnostics

/// Which of several nodes to ask next, and when: a value that neither waits nor knows a clock.
///
/// Healthy nodes come first, among them the one with the fewest requests under way, then the
/// faster one. A node that failed cools down for a jittered, growing time; after it one request
/// tries it while the others keep away. Nodes that are behind their network come last, those of
/// another network never. Times are distances from any fixed start.
package struct NodeSelection: Sendable {
    /// How often is tried, and how long waited.
    package struct Policy: Sendable {
        /// Requests one call may send before it fails with the last error.
        package var maximumAttempts = 4
        package var firstCoolDown: Duration = .seconds(1)
        package var longestCoolDown: Duration = .seconds(60)
        /// What one call waits in all for nodes that cool down.
        package var longestWait: Duration = .seconds(5)
        /// Between looks at a node that another call is trying.
        package var trialPause: Duration = .milliseconds(250)
        /// A call that has no answer by then asks another node, too, and takes what comes first.
        package var hedgeAfter: Duration = .seconds(3)
        /// Such second questions under way at a time: where every node is slow they would double
        /// the load.
        package var maximumHedges = 8
        /// How long the slower of nodes that are asked together are waited for once one has
        /// answered.
        package var joiningPatience: Duration = .seconds(10)
        /// Nodes whose answers take about as many of these are equally fast.
        package var latencyStep: Duration = .milliseconds(250)

        package init() {}
    }

    /// What is known of one node.
    package struct Health: Sendable, Equatable {
        package internal(set) var consecutiveFailures = 0
        /// Until then it is not asked; nil while it is well.
        package internal(set) var coolingUntil: Duration?
        /// Whether a request finds out if it is well again.
        package internal(set) var isOnTrial = false
        package internal(set) var inFlight = 0

        package init() {}
    }

    /// One call's way through the nodes.
    package struct Call: Sendable {
        package fileprivate(set) var attempts = 0
        package fileprivate(set) var waited: Duration = .zero
        /// Nodes that do not serve this call, however well they are.
        package var excluded: Set<Int> = []

        package init() {}
    }

    /// What a call does next.
    package enum Step: Sendable, Equatable {
        /// Ask this node, then report with `succeeded`, `failed` or `left`.
        case use(Int)
        /// Look again after this time.
        case wait(Duration)
        case giveUp
    }

    private let policy: Policy
    private var nodes: [Health]
    private var backoffs: [Backoff]
    private var places: [NodeStanding.Place]
    /// Of each node, later answers count more; zero: none yet.
    private var latencies: [Duration]

    package init(nodeCount: Int, policy: Policy = .init()) {
        self.policy = policy
        nodes = Array(repeating: Health(), count: nodeCount)
        backoffs = Array(
            repeating: Backoff(first: policy.firstCoolDown, maximum: policy.longestCoolDown),
            count: nodeCount)
        places = Array(repeating: .unknown, count: nodeCount)
        latencies = Array(repeating: .zero, count: nodeCount)
    }

    /// How long each node's answers took of late.
    package var latency: [Duration] { latencies }

    /// What looks at the nodes told.
    package mutating func note(_ standings: [NodeStanding]) {
        for (node, standing) in zip(places.indices, standings) { places[node] = standing.place }
    }

    package var health: [Health] { nodes }

    /// Counts the attempt where there is one to make.
    package mutating func next(for call: inout Call, at now: Duration) -> Step {
        guard call.attempts < policy.maximumAttempts else { return .giveUp }
        if let node = take(excluding: call.excluded, at: now) {
            call.attempts += 1
            return .use(node)
        }
        let pauses = nodes.indices
            .filter { !call.excluded.contains($0) && places[$0].preference != nil }
            .map { pause($0, now) }
        guard let pause = pauses.min(), call.waited + pause <= policy.longestWait else {
            return .giveUp
        }
        call.waited += pause
        return .wait(pause)
    }

    /// The best node that can be asked at once; the caller reports as after `Step.use`.
    package mutating func take(excluding excluded: Set<Int>, at now: Duration) -> Int? {
        let usable = nodes.indices.filter { !excluded.contains($0) && isUsable($0, now) }
        let best = usable.min { rank($0).lexicographicallyPrecedes(rank($1)) }
        guard let best else { return nil }
        nodes[best].inFlight += 1
        nodes[best].isOnTrial = nodes[best].consecutiveFailures > 0
        return best
    }

    /// The less the better, the first the most.
    private func rank(_ node: Int) -> [Int] {
        [
            places[node].preference ?? .max, nodes[node].consecutiveFailures, nodes[node].inFlight,
            Int(min(latencies[node] / policy.latencyStep, 1e6)), node,
        ]
    }

    /// The node answered, if only to refuse this one request.
    ///
    /// - Parameter latency: how long that took.
    package mutating func succeeded(_ node: Int, after latency: Duration = .zero) {
        left(node)
        // A fifth: some ten answers tell of a node that has become slow or fast.
        latencies[node] += (latency - latencies[node]) / 5
        nodes[node].consecutiveFailures = 0
        nodes[node].coolingUntil = nil
        backoffs[node].reset()
    }

    /// The node is ill. Failures of requests that were under way together count once.
    package mutating func failed(
        _ node: Int, at now: Duration, using generator: inout some RandomNumberGenerator
    ) {
        left(node)
        blame(node, at: now, using: &generator)
    }

    /// What the node answered turned out to be wrong.
    package mutating func blame(
        _ node: Int, at now: Duration, using generator: inout some RandomNumberGenerator
    ) {
        if let until = nodes[node].coolingUntil, until > now { return }
        nodes[node].consecutiveFailures += 1
        nodes[node].coolingUntil = now + backoffs[node].next(using: &generator)
    }

    /// The request ended without telling anything about the node but that its answer would have
    /// taken longer than `waited`.
    package mutating func left(_ node: Int, after waited: Duration = .zero) {
        latencies[node] = max(latencies[node], waited)
        nodes[node].inFlight -= 1
        nodes[node].isOnTrial = false
    }

    private func isUsable(_ node: Int, _ now: Duration) -> Bool {
        guard !nodes[node].isOnTrial, places[node].preference != nil else { return false }
        return nodes[node].coolingUntil.map { $0 <= now } ?? true
    }

    private func pause(_ node: Int, _ now: Duration) -> Duration {
        if nodes[node].isOnTrial { return policy.trialPause }
        return max((nodes[node].coolingUntil ?? now) - now, .milliseconds(1))
    }
}
