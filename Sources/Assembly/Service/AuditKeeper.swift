import Archive
import Diagnostics
import Failures
import Foundation

/// Signs the heads of audit chains every hour, as long as there is something new.
package struct AuditKeeper: Sendable {
    /// How often it looks: a signed head is that much late at most.
    private static let lookInterval: Duration = .seconds(60)

    private let archive: Archive
    private let log: Log

    package init(archive: Archive, log: Log) {
        self.archive = archive
        self.log = log
    }

    /// Until the task is cancelled. Whatever keeps heads from being signed is told and tried
    /// again: they grow no less true by waiting.
    package func run() async {
        while !Task.isCancelled {
            do {
                try await archive.audit.signHeads(now: Date())
            } catch let failure as any Failure where !Task.isCancelled {
                log.failure(failure, "audit heads wait to be signed", level: .warning)
            } catch {}
            try? await Task.sleep(for: Self.lookInterval)
        }
    }
}
