import Archive
import Vault

/// Where a forget stands, and what it does next; no more than the database knows, so that
/// whoever finds a forget unfinished goes on where it stopped.
package struct ForgetJob: Sendable, Equatable {
    /// How far the forget is with one channel.
    package struct Target: Sendable, Equatable {
        package let channel: ChannelNumber
        package var buried: Bool
        package var shredded: Bool
        package var deleted: Bool

        package init(channel: ChannelNumber, buried: Bool, shredded: Bool, deleted: Bool) {
            self.channel = channel
            self.buried = buried
            self.shredded = shredded
            self.deleted = deleted
        }
    }

    /// One step. Each can be repeated: what is done already stays done.
    package enum Step: Sendable, Equatable {
        /// Writes down which channels the forget covers and shuts everybody else out.
        case begin
        /// Writes tombstones of every root the archive knows of a channel.
        case bury(ChannelNumber)
        /// Punctures the channel's keys: from here on nobody reads it.
        case shred(ChannelNumber)
        /// Deletes the channel's rows.
        case delete(ChannelNumber)
        /// Looks for what should be gone, and writes the receipt.
        case conclude
        case finished
    }

    package var state: ForgetState
    package var targets: [Target]

    package init(state: ForgetState, targets: [Target]) {
        self.state = state
        self.targets = targets
    }

    /// Every channel's keys go before any channel's rows: unreadable first, gone then.
    /// Tombstones come before both, because they are made of what the keys open.
    package var next: Step {
        switch state {
        // Whether it may, beginning finds out.
        case .received, .checked, .approved: return .begin
        case .done, .refused: return .finished
        case .executing: break
        }
        for target in targets where !target.shredded {
            return target.buried ? .shred(target.channel) : .bury(target.channel)
        }
        if let target = targets.first(where: { !$0.deleted }) { return .delete(target.channel) }
        return .conclude
    }
}
