import Postgres
import Vault

/// What an asker of a node's commands may know, beside what anyone may.
struct NodeReach {
    /// Channels of which all may be known; nil for every one.
    private var whole: [Int64]? = []
    /// Windows of other channels.
    private var limited: [(channel: ChannelNumber, window: GrantWindow)] = []

    init(_ asker: NodeAsker) {
        switch asker {
        case nil: break
        case .all: whole = nil
        case .only(let channels): whole = channels.map(\.rawValue)
        case .granted(let grants):
            let scope = ChannelScope.granted(grants)
            for channel in grants.keys {
                guard let windows = scope.windows(of: channel) else {
                    whole?.append(channel.rawValue)
                    continue
                }
                limited += windows.map { (channel, $0) }
            }
        }
    }

    /// That the asker may know the message of the lookup `l` in the channel `c`. Of who was let in
    /// by nothing it asks no more than it has to: setting a plan up costs more than following it.
    ///
    /// - Parameter first: the number of the first of `parameters`.
    func isKnown(from first: Int) -> String {
        guard !isPublicOnly else { return "\(Self.isAnswered) and c.node_interface = 'public'" }
        return """
            \(Self.isAnswered)
                and (c.node_interface = 'public' or c.node_interface = 'token'
                    and ($\(first)::bigint[] is null or c.id = any ($\(first)) or exists (
                        select from unnest($\(first + 1)::bigint[], \(WindowColumns.rows(from: first + 2)))
                                w (channel, \(WindowColumns.names))
                            cross join lateral (
                                select * from message m
                                where (m.channel, m.sequence) = (l.channel, l.sequence) limit 1) seen
                        where w.channel = l.channel and \(WindowColumns.contain("seen")))))
            """
    }

    /// Of `isKnown`.
    var parameters: [PostgresValue] {
        guard !isPublicOnly else { return [] }
        return [
            whole.map { .int64Array($0.sorted()) } ?? .null,
            .int64Array(limited.map(\.channel.rawValue)),
        ] + WindowColumns.parameters(limited.map(\.window))
    }

    private static let isAnswered = "c.state not in ('restricted', 'forgotten')"

    /// Only what anyone may know.
    var isPublicOnly: Bool { whole?.isEmpty == true && limited.isEmpty }
}
