import Archive
import Ternary
import Vault

/// Which transactions were fetched and judged already, so that junk is not fetched again.
///
/// Bounded and forgetful: it holds fingerprints, and a channel that exceeds its share, or
/// the least recently looked at channel when all is full, starts anew. Forgetting costs a
/// second fetch; a fingerprint is 64 bits under a key of this process, so nobody can make
/// one transaction hide another.
package struct SeenTransactions: Sendable {
    private struct Channel: Sendable {
        var fingerprints: Set<Int> = []
        var incompleteTails: [Int64: [Hash]] = [:]
        var unconfirmed: [Int64: [Hash]] = [:]
        var keysTried = 0
        var lookedAt: UInt64 = 0
    }

    private var channels: [ChannelNumber: Channel] = [:]
    private var count = 0
    private var clock: UInt64 = 0
    private let perChannel: Int
    private let inAll: Int

    package init(perChannel: Int, inAll: Int) {
        self.perChannel = perChannel
        self.inAll = inAll
    }

    /// What is remembered for a channel's look.
    package struct Memory: Sendable {
        fileprivate let fingerprints: Set<Int>
        /// Tails at a tree whose bundles lacked a transaction.
        package let incompleteTails: [Int64: [Hash]]
        /// Tails of messages that were not confirmed when last asked.
        package let unconfirmed: [Int64: [Hash]]
        /// Side keys that what waits was tried with.
        package let keysTried: Int

        package func contains(_ hash: Hash) -> Bool {
            fingerprints.contains(hash.hashValue)
        }
    }

    /// - Parameter keys: How many side keys the channel has. With another number of keys
    ///   than before every judgement may turn out differently, so all are forgotten.
    package mutating func memory(of channel: ChannelNumber, keys: Int) -> Memory {
        clock += 1
        if let known = channels[channel], known.keysTried != keys { forget(channel) }
        channels[channel]?.lookedAt = clock
        let known = channels[channel] ?? Channel()
        return Memory(
            fingerprints: known.fingerprints, incompleteTails: known.incompleteTails,
            unconfirmed: known.unconfirmed, keysTried: known.keysTried)
    }

    /// Takes in what a look at one tree judged.
    package mutating func remember(_ report: TreeReport, of channel: ChannelNumber, keys: Int) {
        clock += 1
        var known = channels[channel] ?? Channel()
        count -= known.fingerprints.count
        if known.fingerprints.count + report.judged.count > perChannel { known.fingerprints = [] }
        known.fingerprints.formUnion(report.judged.lazy.map(\.hashValue))
        known.incompleteTails[report.tree.position] =
            report.incompleteTails.isEmpty ? nil : report.incompleteTails
        known.unconfirmed[report.tree.position] =
            report.unconfirmed.isEmpty ? nil : report.unconfirmed
        known.keysTried = keys
        known.lookedAt = clock
        count += known.fingerprints.count
        channels[channel] = known
        while count > inAll,
            let oldest = channels.min(by: { $0.value.lookedAt < $1.value.lookedAt })
        {
            forget(oldest.key)
        }
    }

    /// A tree is no longer looked at.
    package mutating func forget(_ channel: ChannelNumber, position: Int64) {
        channels[channel]?.incompleteTails[position] = nil
        channels[channel]?.unconfirmed[position] = nil
    }

    package mutating func forget(_ channel: ChannelNumber) {
        count -= channels.removeValue(forKey: channel)?.fingerprints.count ?? 0
    }
}
