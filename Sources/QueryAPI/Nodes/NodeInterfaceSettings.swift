import IRICommands

/// How the commands of a node are answered.
package struct NodeInterfaceSettings: Sendable {
    /// IRI's, as far as they are about reading.
    package var limits = NodeLimits()
    /// A published client that follows a channel sends some hundred requests a second at most.
    package var ofAddress = RateLimiter.Rate(perSecond: 200, burst: 2_000)
    package var ofToken = RateLimiter.Rate(perSecond: 1_000, burst: 10_000)
    /// Where commands that write go; nil refuses them.
    package var forwarder: (any CommandForwarding)?
    /// All connections come from a proxy, which says for whom in `X-Forwarded-For`.
    package var isBehindProxy = false

    package init() {}
}

/// A node that takes commands which are not for an archive.
package protocol CommandForwarding: Sendable {
    /// - Parameter body: a request's, read and found right.
    /// - Throws: `CommandRefusal.busy`, `.nodeAway`.
    func forward(_ body: [UInt8]) async throws(CommandRefusal) -> (status: Int, body: [UInt8])
}
