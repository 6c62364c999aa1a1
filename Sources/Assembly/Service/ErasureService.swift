import Archive
import Diagnostics
import Erasure
import Failures
import Foundation
import Postgres
import Vault

/// Carries out forget requests as they come: those that were left unfinished at once, new ones
/// within `pollInterval`, and what retention says without a request.
package struct ErasureService: Sendable {
    /// How long a request waits at most before it is begun. One look costs a query on an
    /// index that is nearly always empty.
    package static let pollInterval: Duration = .seconds(1)

    private let archive: Archive
    private let eraser: Eraser
    private let pollInterval: Duration
    private let clock: @Sendable () -> Date
    private let log: Log
    private let pulse: Liveness.Pulse
    private let lateCopies: Gauge?

    package init(
        archive: Archive, notifier: (any RecipientNotifier)? = nil,
        pollInterval: Duration = ErasureService.pollInterval,
        settings: EraserSettings = EraserSettings(),
        clock: @escaping @Sendable () -> Date = { Date() }, log: Log,
        pulse: Liveness.Pulse = .unwatched, metrics: Metrics? = nil
    ) throws(MetricsError) {
        self.archive = archive
        self.pollInterval = pollInterval
        self.clock = clock
        self.log = log
        self.pulse = pulse
        lateCopies = try metrics?.gauge(
            "permanode_key_ring_copies_late",
            help: "Named copies of the key ring that are not current.")
        eraser = Eraser(
            archive: archive, settings: settings, notifier: notifier, clock: clock, log: log)
    }

    /// Erases until the task is cancelled. What keeps one request from being finished is
    /// logged and tried again, ever more rarely; the others go on.
    ///
    /// - Throws: `CancellationError`, or what keeps it from seeing requests at all and no retry
    ///   can mend.
    package func run() async throws {
        do {
            try await keepErasing()
        } catch {
            // Whatever was under way says in its own words that it was cancelled.
            throw Task.isCancelled ? CancellationError() : error
        }
    }

    private func keepErasing() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await repeating { try await carryOut() } }
            // A month of many channels takes hours; no person waits for that.
            group.addTask { try await repeating { try await keepRetention() } }
            // Vacuum and search take as long as the archive is large, a copy of the ring on a dead
            // network share some seconds: no forget waits for either.
            group.addTask {
                var copies = CopyWatch(
                    vault: archive.vault, log: log, lateCount: lateCopies)
                try await repeating {
                    try await copies.look()
                    return try await complete()
                }
            }
            for try await _ in group {}
        }
    }

    /// - Parameter round: Whether all that was to be done was done.
    private func repeating(_ round: () async throws -> Bool) async throws {
        var backoff = Backoff(first: pollInterval, maximum: .seconds(60))
        while true {
            let isWell = try await round()
            try Task.checkCancellation()
            if isWell { backoff.reset() }
            try await Task.sleep(for: isWell ? pollInterval : backoff.next())
        }
    }

    /// - Returns: Whether every request there is was carried out.
    private func carryOut() async throws -> Bool {
        pulse.beat()
        let requests: [ForgetRequestRecord]
        do {
            requests = try await archive.openForgetRequests(ofRetention: false, now: clock())
        } catch let failure as any Failure where failure.retryable {
            log.failure(failure, "erasing waits", level: .warning)
            await makeRoom(failure)
            return false
        }
        var isWell = true
        for request in requests {
            do {
                _ = try await eraser.execute(request.id) { _ in pulse.beat() }
            } catch is RequestLifeError {
                // Held or refused since it was listed.
            } catch ArchiveError.sharedChannels {
                // Others' data, too, since it was listed.
            } catch let failure as any Failure {
                try Task.checkCancellation()
                log.failure(
                    failure, "a forget is not finished and will be tried again",
                    ["request": .string(request.id.text)])
                await makeRoom(failure)
                isWell = false
            }
        }
        return isWell
    }

    /// Where the disk is full: what is kept free on it is for this.
    private func makeRoom(_ failure: any Failure) async {
        guard Archive.isOutOfRoom(failure) else { return }
        try? await archive.giveUpReserve()
    }

    /// A clock that is further ahead of the database's than this is wrong, and would have months
    /// forgotten that are to be kept. A day too early is within what months mean.
    private static let clockLead: TimeInterval = 86_400

    /// The database went away while what is due was noted down: the next round sees whether it was.
    private static func isUnknown(_ failure: any Failure) -> Bool {
        (failure as? PostgresError)?.kind == .commitUnknown
    }

    /// Nobody can take back what retention forgets: two clocks have to say that it is time.
    private func clockIsRight() async throws -> Bool {
        let lead = clock().timeIntervalSince(try await archive.databaseTime())
        guard lead > Self.clockLead else { return true }
        log.error(
            "this machine's clock is ahead of the database's: retention waits",
            ["seconds": .int(Int64(lead))])
        return false
    }

    /// Batches of requests that retention makes before they are carried out together: as many as
    /// are listed at once.
    private static let retentionBatches = Archive.requestPageLimit / Archive.retentionBatch

    /// - Returns: Whether everything that retention says was carried out.
    private func keepRetention() async throws -> Bool {
        let all: [ChannelNumber: any Failure]
        do {
            guard try await clockIsRight() else { return false }
            // As many as one change of the ring takes, so that it is not written for each batch.
            for _ in 0..<Self.retentionBatches {
                guard try await archive.beginRetention(now: clock()) == Archive.retentionBatch
                else { break }
            }
            let requests = try await archive.openForgetRequests(ofRetention: true, now: clock())
            all = try await eraser.execute(together: requests)
        } catch let failure as any Failure where failure.retryable || Self.isUnknown(failure) {
            log.failure(failure, "retention waits", level: .warning)
            return false
        }
        // Held, refused or done by another process since they were listed.
        let failures = all.filter { _, failure in
            switch failure {
            case is RequestLifeError, ArchiveError.sharedChannels, ArchiveError.noSuchRequest: false
            default: true
            }
        }
        for (request, failure) in failures {
            log.failure(
                failure, "months that retention says are not forgotten yet",
                ["request": .string(request.text)])
        }
        return failures.isEmpty
    }

    /// - Returns: Whether every receipt that could be completed was.
    private func complete() async throws -> Bool {
        do {
            try await eraser.complete()
            return true
        } catch let failure as any Failure {
            try Task.checkCancellation()
            log.failure(failure, "a receipt is not final yet", level: .warning)
            return false
        }
    }
}
