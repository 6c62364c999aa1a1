import Postgres
import Vault

/// Tells those who are at a channel for a while, reading it out or crawling it, to stop:
/// within a second after a forget or a restriction of any process was committed, and readers
/// also after their token or one of their grants ended.
///
/// Notifications make it quick; since they can get lost, the channels' `readers_epoch` is asked
/// for besides, for all that are watched in one statement, and in another the readers' grants.
/// Where the database does not answer for a second, nobody can say whether a channel may still be
/// read, and all stop.
package actor ChannelWatch {
    /// How often the database is asked while there is somebody to tell.
    package static let interval: Duration = .milliseconds(300)

    /// How old the latest answer may be.
    package static let limit: Duration = .seconds(1)

    private struct Watcher {
        /// Each channel's `readers_epoch` when it began.
        let marks: [ChannelNumber: Int64]
        /// None for who reads without a token.
        let readings: Set<Archive.Reading>
        /// Whether a restricted channel may be stayed at.
        let ofRestricted: Bool
        let continuation: CheckedContinuation<ArchiveError, any Error>

        /// Why it has to stop; nil where it may go on.
        func reason(
            _ standings: [ChannelNumber: Archive.Standing], _ allowed: Set<Archive.Reading>
        ) -> ArchiveError? {
            for (channel, mark) in marks {
                guard let standing = standings[channel], standing.state != .forgotten else {
                    return .noSuchChannel(channel)
                }
                if standing.state == .restricted, !ofRestricted {
                    return .wrongState(channel, .restricted)
                }
                if mark != standing.readersEpoch { return .fenced(channel) }
            }
            return readings.first { !allowed.contains($0) }.map { .fenced($0.channel) }
        }
    }

    private let archive: Archive
    private var watchers: [UInt64: Watcher] = [:]
    private var lastNumber: UInt64 = 0
    private var answeredAt = ContinuousClock.now
    private var work: Task<Void, Never>?

    package init(_ archive: Archive) { self.archive = archive }

    /// Runs `body` until it ends or has to stop.
    ///
    /// - Parameters:
    ///   - mark: the channel's `readersEpoch` before anything of it was read.
    ///   - reading: by whom it is read; nil where that is not by a token.
    /// - Throws: why it was stopped: `ArchiveError.noSuchChannel`, `.wrongState`, `.fenced`
    ///   (a part of it was forgotten, or the reader's token or grant ended), `.interrupted` (the
    ///   database does not answer); what `body` throws.
    package nonisolated func during<Value: Sendable>(
        _ channel: ChannelNumber, since mark: Int64, by reading: Archive.Reading? = nil,
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await during(
            [channel: mark], by: Set([reading].compactMap { $0 }), body)
    }

    /// The same of several channels, of which any that has to be left ends it.
    ///
    /// - Parameters:
    ///   - marks: the channels with their `readersEpoch`; where there are none, nothing stops it.
    ///   - ofRestricted: whether it may go on at channels that were restricted before.
    package nonisolated func during<Value: Sendable>(
        _ marks: [ChannelNumber: Int64], by readings: Set<Archive.Reading> = [],
        ofRestricted: Bool = false, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        guard !marks.isEmpty else { return try await body() }
        return try await withThrowingTaskGroup(of: Value.self) { group in
            group.addTask { try await body() }
            group.addTask {
                throw try await self.end(of: marks, by: readings, ofRestricted: ofRestricted)
            }
            defer { group.cancelAll() }
            guard let value = try await group.next() else { throw CancellationError() }
            return value
        }
    }

    /// Returns when there is a reason to stop, and which.
    /// - Throws: `CancellationError`.
    private func end(
        of marks: [ChannelNumber: Int64], by readings: Set<Archive.Reading>, ofRestricted: Bool
    ) async throws -> ArchiveError {
        lastNumber &+= 1
        let number = lastNumber
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                guard !Task.isCancelled else {
                    return continuation.resume(throwing: CancellationError())
                }
                watchers[number] = Watcher(
                    marks: marks, readings: readings, ofRestricted: ofRestricted,
                    continuation: continuation)
                start()
            }
        } onCancel: {
            Task { await self.leave(number) }
        }
    }

    private func leave(_ number: UInt64) {
        watchers.removeValue(forKey: number)?.continuation.resume(throwing: CancellationError())
        restIfAlone()
    }

    private func start() {
        guard work == nil else { return }
        answeredAt = .now
        work = Task {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.keepAsking() }
                group.addTask { await self.keepListening() }
                group.addTask { await self.keepTime() }
            }
        }
    }

    private func keepAsking() async {
        while !Task.isCancelled {
            await ask()
            do { try await Task.sleep(for: Self.interval) } catch { return }
        }
    }

    private func keepListening() async {
        // What is read out at once needs no connection of its own.
        do { try await Task.sleep(for: Self.limit / 2) } catch { return }
        while !Task.isCancelled {
            let notes = try? await PostgresListener.listen(
                PostgresConnection.channelAnnouncements, archive.pool.configuration)
            if let notes {
                for await note in notes {
                    let isWatched = watchers.values.contains { watcher in
                        watcher.marks.keys.contains { $0.text == note.payload }
                    }
                    if isWatched { await ask() }
                }
            }
            // The connection is gone: asking goes on meanwhile.
            do { try await Task.sleep(for: Self.limit) } catch { return }
        }
    }

    /// Apart from the asking, which may be what hangs.
    private func keepTime() async {
        while !Task.isCancelled {
            do { try await Task.sleep(for: Self.interval / 2) } catch { return }
            guard ContinuousClock.now - answeredAt > Self.limit else { continue }
            for number in watchers.keys { stop(number, .interrupted) }
        }
    }

    private func ask() async {
        let asked = watchers
        let channels = Set(asked.values.flatMap(\.marks.keys))
        guard !channels.isEmpty else { return }
        let readings = asked.values.reduce(into: Set()) { $0.formUnion($1.readings) }
        let askedAt = ContinuousClock.now
        guard let standings = try? await archive.standings(of: channels),
            let allowed = try? await archive.allowed(readings)
        else { return }
        answeredAt = max(answeredAt, askedAt)
        for (number, watcher) in asked where watchers[number] != nil {
            if let reason = watcher.reason(standings, allowed) {
                stop(number, reason)
            }
        }
    }

    private func stop(_ number: UInt64, _ reason: ArchiveError) {
        watchers.removeValue(forKey: number)?.continuation.resume(returning: reason)
        restIfAlone()
    }

    private func restIfAlone() {
        guard watchers.isEmpty else { return }
        work?.cancel()
        work = nil
    }
}

extension Archive {
    /// What tells whether somebody may stay at a channel.
    package struct Standing: Sendable {
        package let state: ChannelState
        /// Raised by every forget and restriction.
        package let readersEpoch: Int64
    }

    /// How channels stand; those that are not there are left out.
    package func standings(of channels: Set<ChannelNumber>) async throws
        -> [ChannelNumber: Standing]
    {
        let rows = try await pool.withConnection {
            try await $0.query(
                "select id, state, readers_epoch from channel where id = any ($1)",
                [.int64Array(channels.map(\.rawValue))])
        }
        var standings: [ChannelNumber: Standing] = [:]
        for row in rows {
            let channel = try row.channelNumber("id")
            guard let state = ChannelState(rawValue: try row.text("state")) else { continue }
            standings[channel] = Standing(
                state: state, readersEpoch: try row.int64("readers_epoch"))
        }
        return standings
    }
}
