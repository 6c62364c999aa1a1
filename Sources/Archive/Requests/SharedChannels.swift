import Postgres
import Vault

/// What becomes of channels that are the data of others, too, when one person is forgotten.
package enum SharedChannels: String, Sendable, Codable, CaseIterable {
    /// Nothing is done.
    case refuse
    /// They are forgotten for all.
    case forget
    /// They stay, and are the others' alone.
    case leave
}

/// Conditions of statements about what a request is for.
enum RequestConditions {
    /// The ids of living channels that a target covers and that are several people's data.
    ///
    /// - Parameter target: A channel's or subject's number, as an expression.
    static func shared(_ target: String) -> String {
        """
        select c.id from channel c
        where (c.id = \(target) or c.id in (
                select channel from channel_subject where subject = \(target)))
            and c.state <> 'forgotten'
            and (select count(*) from channel_subject o where o.channel = c.id) > 1
        """
    }

    /// The holds that stand against forgetting a target: its own, its people's, one of his
    /// channels', and, where channels are taken from others, one of theirs.
    ///
    /// - Parameter shared: What becomes of shared channels, as an expression.
    static func holds(_ target: String, shared: String) -> String {
        """
        select from legal_hold h
        where h.target = \(target)
            or h.target in (select subject from channel_subject where channel = \(target))
            or h.target in (
                select s.channel from channel_subject s join channel c on c.id = s.channel
                where s.subject = \(target) and c.state <> 'forgotten')
            or (\(shared) <> 'leave' and h.target in (
                select o.subject from channel_subject s join channel c on c.id = s.channel
                    join channel_subject o on o.channel = s.channel
                where s.subject = \(target) and c.state <> 'forgotten'))
        """
    }
}

extension Archive {
    /// The channels that forgetting a channel or a person would take from others, too.
    package func sharedChannels(of target: ChannelNumber, on connection: PostgresConnection)
        async throws -> [ChannelNumber]
    {
        try await connection.query(
            RequestConditions.shared("$1") + " order by c.id", [.int64(target.rawValue)]
        ).map { try $0.channelNumber("id") }
    }

    /// Whether a hold stands against forgetting a channel or a person.
    package func isHeld(
        _ target: ChannelNumber, shared: SharedChannels, on connection: PostgresConnection
    ) async throws -> Bool {
        let rows = try await connection.query(
            "select exists (\(RequestConditions.holds("$1", shared: "$2"))) as held",
            [.int64(target.rawValue), .text(shared.rawValue)])
        return try rows.first?.bool("held") ?? true
    }
}
