import Diagnostics
import Failures
import Foundation
import Postgres
import Synchronization
import Vault

/// Streaming replicas of the database, from which messages may be read.
///
/// Two things have to be true of a replica, seen on the connection that is read by, just before:
///
/// - What it shows is no older than the bound (`WrittenPositions`).
/// - Of the channel it has every message that the primary knew of when this answer asked, and every
///   forget and restriction. So no answer lacks a message because of a replica; what may be as old as
///   the bound are a message's marks: attachments counted, conflict, confirmed.
///
/// Whatever else decides an answer, tokens, grants, states, epochs and side keys, is asked of the
/// primary, and keys are in the ring: what was forgotten does not open wherever its rows still are.
package final class Replicas: Sendable {
    /// Servers at most.
    package static let limit = 16

    /// How old what is read may be, unless set otherwise.
    package static let defaultBound: Duration = .seconds(5)

    /// A replica as it stands.
    package struct Report: Sendable {
        /// How old what it shows was at the last look; nil where it is not used.
        package let age: Duration?
        /// Reads that it answered, since the start.
        package let reads: Int
        /// Reads that it was chosen for and the primary answered.
        package let refusals: Int
    }

    final class Replica: Sendable {
        struct State {
            var standing = ReplicaStanding()
            var reads = 0
            var refusals = 0
        }

        let number: Int
        let pool: PostgresPool
        let state = Mutex(State())

        init(number: Int, pool: PostgresPool) { (self.number, self.pool) = (number, pool) }
    }

    private let replicas: [Replica]
    /// One connection of its own: under load, callers wait for those of the others.
    private let primary: PostgresPool
    private let bound: Duration
    private let interval: Duration
    private let log: Log
    private let written: Mutex<WrittenPositions>
    private let turn = Mutex(0)

    /// Opens nothing yet; none is used before `run`.
    ///
    /// - Parameter bound: How old what is read may be.
    package init(
        _ configurations: [PostgresConfiguration], of primary: PostgresConfiguration,
        bound: Duration = defaultBound, log: Log = .silent
    ) {
        replicas = configurations.prefix(Self.limit).enumerated().map { index, configuration in
            Replica(number: index + 1, pool: PostgresPool(configuration: configuration.hurried))
        }
        var configuration = primary
        configuration.maximumConnections = 1
        self.primary = PostgresPool(configuration: configuration)
        self.bound = bound
        interval = min(max(bound / 10, .milliseconds(50)), .seconds(1))
        self.log = log
        written = Mutex(WrittenPositions(bound: bound))
    }

    /// In the order of the configurations.
    package var reports: [Report] {
        let now = ContinuousClock.now
        return replicas.map { replica in
            replica.state.withLock { state in
                let isUsable = state.standing.isUsable(at: now, bound: bound)
                return Report(
                    age: isUsable ? state.standing.age : nil, reads: state.reads,
                    refusals: state.refusals)
            }
        }
    }

    /// Keeps looking at the servers, until the task is cancelled.
    package func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.keepAskingPrimary() }
            for replica in replicas { group.addTask { await self.keepLooking(at: replica) } }
        }
    }

    package func shutdown() async {
        await primary.shutdown()
        for replica in replicas { await replica.pool.shutdown() }
    }

    /// The replica whose turn it is; nil where none may be asked now.
    func choose() -> Replica? {
        let now = ContinuousClock.now
        let usable = replicas.filter { replica in
            replica.state.withLock { $0.standing.isUsable(at: now, bound: bound) }
        }
        guard !usable.isEmpty else { return nil }
        let turn = turn.withLock { turn in
            turn &+= 1
            return turn
        }
        return usable[Int(UInt(bitPattern: turn) % UInt(usable.count))]
    }

    // MARK: Looking

    private func keepAskingPrimary() async {
        while !Task.isCancelled {
            let askedAt = ContinuousClock.now
            if let position = try? await writtenPosition() {
                written.withLock { $0.note(position, askedAt: askedAt) }
            }
            try? await Task.sleep(for: interval)
        }
    }

    private func writtenPosition() async throws -> LogPosition? {
        let rows = try await primary.withConnection {
            try await $0.query(
                """
                select pg_is_in_recovery() as is_copy, system_identifier as system,
                    case when not pg_is_in_recovery() then
                        ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int
                    end as timeline,
                    case when not pg_is_in_recovery() then
                        (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint end as bytes
                from pg_control_system()
                """)
        }
        guard let row = rows.first, try !row.bool("is_copy") else { return nil }
        return try LogPosition(row: row)
    }

    private func keepLooking(at replica: Replica) async {
        var backoff = Backoff(first: interval, maximum: max(interval, .seconds(10)))
        var wasUsed: Bool?
        while !Task.isCancelled {
            var age: Duration?
            var problem: (any Error)?
            do {
                age = try await replica.pool.withConnection {
                    try await self.look(nil, on: $0)
                }?.age
                backoff.reset()
            } catch { problem = error }
            if Task.isCancelled { return }
            replica.state.withLock { $0.standing.looked(age, at: .now) }
            if wasUsed != (age != nil) {
                tell(of: replica, age, problem)
                wasUsed = age != nil
            }
            try? await Task.sleep(for: problem == nil ? interval : backoff.next())
        }
    }

    private func tell(of replica: Replica, _ age: Duration?, _ problem: (any Error)?) {
        let number = LogValue.int(Int64(replica.number))
        if age != nil {
            log.info("messages are read from a replica", ["replica": number])
        } else if let failure = problem as? any Failure {
            log.failure(
                failure, "a replica does not answer: the primary is read from", level: .warning,
                ["replica": number])
        } else {
            log.warning(
                "a replica is behind, or of another server: the primary is read from",
                ["replica": number])
        }
    }

    /// What a replica says of itself and of a channel.
    private struct Look {
        let age: Duration
        let messageCount: Int64?
        let readersEpoch: Int64?
    }

    /// - Returns: Nil where it is too old, or no copy of the primary.
    private func look(
        _ channel: ChannelNumber?, on connection: PostgresConnection
    ) async throws -> Look? {
        let rows = try await connection.query(
            """
            select pg_is_in_recovery() as is_copy, s.system_identifier as system,
                greatest(
                    (select received_tli from pg_stat_wal_receiver),
                    r.min_recovery_end_timeline) as timeline,
                (pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint as bytes,
                c.next_sequence, c.readers_epoch
            from pg_control_system() s cross join pg_control_recovery() r
                left join channel c on c.id = $1
            """, [.optional(channel)])
        guard let row = rows.first, try row.bool("is_copy"),
            let position = try LogPosition(row: row)
        else { return nil }
        guard let age = written.withLock({ $0.age(of: position, now: .now) }) else { return nil }
        return Look(
            age: age, messageCount: try row.optionalInt64("next_sequence"),
            readersEpoch: try row.optionalInt64("readers_epoch"))
    }

    // MARK: Reading

    /// Rows of a channel's messages by a replica, and how old they may be.
    ///
    /// - Parameter channel: As the primary has it, asked for this answer.
    /// - Returns: Nil where the primary has to be asked.
    func rows(
        _ statement: String, _ parameters: [PostgresValue], of channel: ChannelRecord,
        by replica: Replica
    ) async -> (rows: [PostgresRow], age: Duration)? {
        let found: (rows: [PostgresRow], age: Duration)?
        do {
            found = try await replica.pool.withConnection {
                connection -> (rows: [PostgresRow], age: Duration)? in
                guard let look = try await self.look(channel.id, on: connection),
                    look.readersEpoch == channel.readersEpoch,
                    let count = look.messageCount, count >= channel.messageCount
                else { return nil }
                // A statement sees at least what the one before it saw.
                return (try await connection.query(statement, parameters), look.age)
            }
            replica.state.withLock { $0.standing.served() }
        } catch {
            found = nil
            if Self.isFault(error) {
                replica.state.withLock { $0.standing.failed(at: .now) }
                if let failure = error as? any Failure {
                    log.failure(
                        failure, "a replica failed: the primary is read from", level: .warning,
                        ["replica": .int(Int64(replica.number))])
                }
            }
        }
        replica.state.withLock { state in
            if found == nil { state.refusals += 1 } else { state.reads += 1 }
        }
        return found
    }

    /// Neither a reader who went away, nor one too many, nor rows that the replica had to clear away
    /// while they were read (a conflict with recovery) is its fault.
    private static func isFault(_ error: any Error) -> Bool {
        guard let error = error as? PostgresError else { return !(error is CancellationError) }
        switch error.kind {
        case .cancelled, .poolExhausted, .poolClosed, .serialization: return false
        default: return true
        }
    }
}

extension LogPosition {
    /// Nil where a column is null: the server has none.
    fileprivate init?(row: PostgresRow) throws {
        guard let timeline = try row.optionalInt32("timeline"),
            let bytes = try row.optionalInt64("bytes")
        else { return nil }
        self.init(system: try row.int64("system"), timeline: timeline, bytes: bytes)
    }
}

extension PostgresConfiguration {
    /// The same, with limits of a server for which there is another: who waits for it asks that one.
    fileprivate var hurried: PostgresConfiguration {
        var configuration = self
        configuration.connectTimeout = .seconds(2)
        configuration.statementTimeout = .seconds(2)
        configuration.lockTimeout = .seconds(1)
        configuration.waitTimeout = .milliseconds(250)
        configuration.maximumWaiters = 64
        return configuration
    }
}
