/// How a channel stands.
package enum ChannelState: String, Sendable, Codable, CaseIterable {
    /// Looked at regularly; what is published is found.
    case following
    /// There is something at the chain's next address that no known side key opens.
    case waitingForKey = "waiting-for-key"
    /// Nothing new for longer than the channel's patience, or a chain that cannot go on.
    case stalled
    /// More lies at the address than can be looked at; a message may be hidden among it.
    case flooded
    /// Not crawled, by an operator's word.
    case paused
    /// Processing stopped by the data subject's right to restriction: kept, neither
    /// crawled nor read.
    case restricted
    /// Erased.
    case forgotten

    /// The states in which the crawler looks.
    package static let crawled: Set<ChannelState> = [
        .following, .waitingForKey, .stalled, .flooded,
    ]
}
