/// What can be forgotten in one piece.
package enum ForgetScope: Hashable, Sendable {
    /// Everything under a channel number.
    case channel(ChannelNumber)
    /// One period; with `Period.channel`, what belongs to the channel as a whole.
    case period(ChannelNumber, Period)
    /// All periods before this one (retention); what belongs to the channel as a whole stays.
    case before(ChannelNumber, Period)

    /// The nodes of the key tree to puncture.
    package var paths: [TreePath] {
        switch self {
        case .channel(let channel): [TreePath(channel)]
        case .period(let channel, let period): [TreePath(channel, period)]
        case .before(let channel, let period): TreePath.before(period, of: channel)
        }
    }
}
