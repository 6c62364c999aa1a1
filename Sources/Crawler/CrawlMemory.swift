import Archive
import Synchronization
import Vault

/// What all turns of a process remember. A lock instead of an actor, because each use is short.
final class CrawlMemory: Sendable {
    private let seen: Mutex<SeenTransactions>

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

    /// The channels of which something is remembered.
    var channels: Set<ChannelNumber> { seen.withLock { $0.channels } }

    func forget(_ channels: Set<ChannelNumber>) { seen.withLock { $0.forget(channels) } }

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
