import Postgres
import Vault

/// What a caller may know of: channels, and of some only what grants say.
package enum ChannelScope: Sendable, Equatable {
    case all
    /// These as a whole.
    case only(Set<ChannelNumber>)
    /// Of these what their grants cover.
    case granted([ChannelNumber: Set<GrantInForce>])

    package static func granted(_ grants: [GrantInForce]) -> ChannelScope {
        .granted(Dictionary(grouping: grants, by: \.channel).mapValues(Set.init))
    }

    /// The numbers as a parameter, null for all.
    var parameter: PostgresValue {
        switch self {
        case .all: .null
        case .only(let channels): .int64Array(channels.map(\.rawValue).sorted())
        case .granted(let grants): .int64Array(grants.keys.map(\.rawValue).sorted())
        }
    }

    /// Grants by which a channel is read; none where none are needed.
    package func grants(of channel: ChannelNumber) -> Set<GrantInForce> {
        if case .granted(let grants) = self { grants[channel] ?? [] } else { [] }
    }

    /// What of a channel may be read; nil for all of it.
    func windows(of channel: ChannelNumber) -> [GrantWindow]? {
        guard case .granted(let grants) = self else { return nil }
        let windows = Set((grants[channel] ?? []).map(\.window))
        return windows.contains(.unlimited) ? nil : Array(windows)
    }

    /// Whether only a part of a channel's messages may be known of.
    package func isLimited(to channel: ChannelNumber) -> Bool { windows(of: channel) != nil }

    package func allows(_ message: StoredMessage, of channel: ChannelNumber) -> Bool {
        windows(of: channel)?.contains { $0.contains(message.mark) } ?? true
    }

    /// Whether nothing that another scope gave of a channel was taken away.
    func keeps(_ earlier: ChannelScope, of channel: ChannelNumber) -> Bool {
        switch (earlier, self) {
        case (_, .all): true
        case (.granted, .granted): grants(of: channel).isSuperset(of: earlier.grants(of: channel))
        case (.only(let before), .only(let now)):
            now.contains(channel) || !before.contains(channel)
        default: false
        }
    }
}
