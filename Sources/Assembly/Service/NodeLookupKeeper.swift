import Archive
import Diagnostics
import Failures

/// Does what switching a channel's node interface left to do, until its task is cancelled.
struct NodeLookupKeeper: Sendable {
    /// How long a channel waits for its turn at most, while there is nothing else to do: one look
    /// costs a query on an index that is nearly always empty.
    private static let interval: Duration = .seconds(1)

    let archive: Archive
    let log: Log

    func run() async {
        var backoff = Backoff(first: Self.interval, maximum: .seconds(60))
        while !Task.isCancelled {
            var pause = Self.interval
            do {
                while try await archive.workOnNodeLookups() { try Task.checkCancellation() }
                backoff.reset()
            } catch let failure as any Failure {
                if !Task.isCancelled { log.failure(failure, "lookups wait", level: .warning) }
                pause = backoff.next()
            } catch {
                pause = backoff.next()
            }
            guard (try? await Task.sleep(for: pause)) != nil else { return }
        }
    }
}
