import Archive
import Secrets
import Vault

extension ForgetRequestRecord {
    /// What of the channel's keys goes.
    func scopes(of channel: ChannelNumber) -> [ForgetScope] {
        guard let periods else { return [.channel(channel)] }
        if kind == .retention { return [.before(channel, periods.end)] }
        return periods.months.map { .period(channel, $0) }
    }

    /// What goes beside the channels' keys: under the person's number lie the pseudonym, the reason
    /// and the details of the audit log; under a request's own number the reason for forgetting
    /// a part of a channel that stays. Retention has no reason, and a puncture each month of each
    /// channel would fill the ring.
    var ownScopes: [ForgetScope] {
        switch kind {
        case .subject: [.channel(target)]
        case .period: [.channel(id)]
        case .channel, .retention: []
        }
    }

    /// Tries to seal something under `ownScopes`.
    func ownDerivations(in vault: Vault) throws -> (tried: Int, succeeded: Int) {
        switch kind {
        case .subject: (1, try Self.derives(target, .channel, in: vault) ? 1 : 0)
        case .period: (1, try Self.derives(id, .channel, in: vault) ? 1 : 0)
        case .channel, .retention: (0, 0)
        }
    }

    private static func derives(_ channel: ChannelNumber, _ leaf: Period, in vault: Vault) throws
        -> Bool
    {
        do {
            _ = try vault.seal(
                [],
                SealingContext(
                    table: "proof", column: "proof", channel: channel, period: leaf, row: 0))
            return true
        } catch VaultError.forgotten {
            return false
        }
    }

    /// Tries to seal something under keys that should be gone.
    func derivations(of channel: ChannelNumber, in vault: Vault) throws -> (
        tried: Int, succeeded: Int
    ) {
        let leaves = periods?.months ?? [.channel, Period(receivedAt)]
        var derived = 0
        for leaf in leaves where try Self.derives(channel, leaf, in: vault) { derived += 1 }
        guard periods == nil, try !vault.isForgotten(channel) else {
            return (leaves.count, derived)
        }
        return (leaves.count, max(derived, 1))
    }
}

extension Vault {
    /// Names a path of the key tree without telling it: 32 hexadecimal digits. Who holds the
    /// ring can find out which path is meant.
    func fingerprint(_ path: TreePath) -> String {
        let name = "path \(path.bits) \(path.depth)"
        return String(Hex.encode(tombstoneHash(Array(name.utf8))).prefix(32))
    }
}
