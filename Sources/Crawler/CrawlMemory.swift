import Archive
import Synchronization
import Vault

/// What all turns of a process remember. A lock instead of an actor, because each use is short.
final class CrawlMemory: Sendable {
    private let seen: Mutex<SeenTransactions>
    /// How many messages the archive had of channels after this process's last turn at them: a
    /// number for each that it follows.
    private let counts = Mutex<[ChannelNumber: Int64]>([:])

    init(_ policy: CrawlPolicy) {
        seen = Mutex(
            SeenTransactions(
                perTree: policy.rememberedTransactions, inAll: policy.rememberedInAll))
    }

    func memory(of channel: ChannelNumber, at position: Int64, keys: Int)
        -> SeenTransactions.Memory
    {
        seen.withLock { $0.memory(of: channel, at: position, keys: keys) }
    }

    func remember(_ report: TreeReport, of channel: ChannelNumber, keys: Int) {
        seen.withLock { $0.remember(report, of: channel, keys: keys) }
    }

    func forget(_ channel: ChannelNumber, position: Int64) {
        seen.withLock { $0.forget(channel, position: position) }
    }

    /// The archive has `count` messages of a channel that is now looked at. With fewer than there were,
    /// what is remembered of it is of another past: a replica took over that lacked the last commits,
    /// or a backup was restored. It is then fetched again.
    func begin(_ channel: ChannelNumber, count: Int64) {
        guard let before = counts.withLock({ $0[channel] }), count < before else { return }
        forget([channel])
    }

    func end(_ channel: ChannelNumber, count: Int64) {
        counts.withLock { $0[channel] = count }
    }

    /// Nothing is remembered any more: the database was away, and what it has now may not be what
    /// was stored.
    func forgetAll() { forget(channels) }

    /// The channels of which something is remembered.
    var channels: Set<ChannelNumber> { seen.withLock { $0.channels } }

    func forget(_ channels: Set<ChannelNumber>) {
        seen.withLock { $0.forget(channels) }
        counts.withLock { counts in
            for channel in channels { counts[channel] = nil }
        }
    }

    /// How often it is asked whether what is remembered is of channels that are forgotten.
    private static let forgetInterval: Duration = .milliseconds(500)

    /// Drops what is remembered of forgotten channels within a second, until it is cancelled.
    func keepForgetting(in archive: Archive) async {
        while !Task.isCancelled {
            let channels = channels
            // Without the database nothing is known, and nothing is crawled either.
            if !channels.isEmpty, let gone = try? await archive.forgotten(among: channels) {
                forget(gone)
            }
            do { try await Task.sleep(for: Self.forgetInterval) } catch { return }
        }
    }
}
