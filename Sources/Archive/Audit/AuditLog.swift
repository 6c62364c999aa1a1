import Diagnostics
import Foundation
import Postgres
import Synchronization
import Vault

/// What one process adds to the audit log: a chain of its own.
///
/// Acts are appended in the transaction that does them, so neither exists without the other.
/// Reads are added up by reader, channel and grants, and appended every `interval`; what could not be
/// appended within `patience`, because the database does not take it, keeps further reads from
/// being served, so that nothing is read unrecorded for longer than that. Of a process that is
/// killed, the reads of its last `interval` are lost.
///
/// The table refuses updates and deletions, which keeps honest operators from accidents; what
/// proves that nothing was changed is the chain and its signed heads (`AuditHead`).
package final class AuditLog: Sendable {
    /// How far reads may be behind, while the database is there.
    package static let interval: Duration = .milliseconds(400)

    /// How long reads may wait to be recorded before no more are served.
    package static let patience: Duration = .seconds(30)

    /// How old a chain's signed head may be while the chain goes on.
    package static let headInterval: TimeInterval = 3600

    /// Entries that one statement appends.
    private static let batch = 500

    /// Something that happened.
    struct Act: Sendable {
        let kind: AuditKind
        var actor = AuditActor.current.token
        /// Nil for what concerns no person.
        let leaf: ChannelNumber?
        let details: [String: String]
        let at: Date
    }

    private struct State {
        var reads = PendingReads()
        /// Recorded reads that forgets may still have to tell of.
        var untold: [(place: PendingReads.Place, tally: PendingReads.Tally)] = []
        var isScheduled = false
        var hasAppended = false
    }

    /// Names this process's chain.
    package let writer: ChannelNumber

    private let pool: PostgresPool
    private let vault: Vault
    private let patience: Duration
    private let state = Mutex(State())

    init(pool: PostgresPool, vault: Vault, patience: Duration = AuditLog.patience) {
        self.pool = pool
        self.vault = vault
        self.patience = patience
        // The ring is looked at again when something is sealed; then it must be readable.
        writer = (try? vault.newChannelNumber()) ?? .random()
    }

    // MARK: Appending

    /// Appends to the chain. The chain stays locked until the transaction ends, so this comes
    /// last in it.
    func append(_ acts: [Act], on connection: PostgresConnection) async throws {
        guard let first = acts.first else { return }
        var (number, hash) = try await lockedEnd(startedAt: first.at, on: connection)
        for start in stride(from: 0, to: acts.count, by: Self.batch) {
            let entries = try acts[start..<min(start + Self.batch, acts.count)].map { act in
                let entry = try entry(act, number: number, after: hash)
                number += 1
                hash = entry.hash
                return entry
            }
            try await insert(entries, on: connection)
        }
        _ = try await connection.execute(
            "update audit_chain set next_number = $2, hash = $3 where writer = $1",
            [.int64(writer.rawValue), .int64(number), .bytes(hash)])
        state.withLock { $0.hasAppended = true }
    }

    private func lockedEnd(startedAt: Date, on connection: PostgresConnection) async throws
        -> (number: Int64, hash: [UInt8])
    {
        for _ in 0..<2 {
            let rows = try await connection.query(
                "select next_number, hash from audit_chain where writer = $1 for update",
                [.int64(writer.rawValue)])
            if let row = rows.first {
                return (try row.int64("next_number"), try row.bytes("hash"))
            }
            _ = try await connection.execute(
                """
                insert into audit_chain (writer, next_number, hash, signed_at)
                values ($1, 0, $2, $3) on conflict (writer) do nothing
                """,
                [
                    .int64(writer.rawValue), .bytes(AuditEntry.start(of: writer)),
                    .timestamp(startedAt),
                ])
        }
        throw ArchiveError.damaged(table: "audit_chain", channel: writer)
    }

    private func entry(_ act: Act, number: Int64, after hash: [UInt8]) throws -> AuditEntry {
        let leaf = act.leaf ?? writer
        let column = SealedColumn.auditDetails
        var sealed: [UInt8]?
        do {
            sealed = try vault.seal(
                AuditDetails.encode(act.details),
                column.context(leaf, row: AuditEntry.row(writer, number)))
        } catch VaultError.forgotten {
            // That something happened is kept; what it was about is forgotten.
            sealed = nil
        }
        return AuditEntry(
            after: hash, writer: writer, number: number, at: act.at, kind: act.kind.rawValue,
            actor: act.actor, leaf: leaf, sealedDetails: sealed)
    }

    private func insert(_ entries: [AuditEntry], on connection: PostgresConnection) async throws {
        _ = try await connection.execute(
            """
            insert into audit_entry (writer, number, at, kind, actor, leaf, sealed_details, hash)
            select $1, n, t, k, a, l, d, h from unnest(
                $2::int8[], $3::timestamptz[], $4::text[], $5::int8[], $6::int8[], $7::bytea[],
                $8::bytea[]) e (n, t, k, a, l, d, h)
            """,
            [
                .int64(writer.rawValue), .int64Array(entries.map(\.number)),
                .timestampArray(entries.map(\.at)), .textArray(entries.map(\.kind)),
                .int64Array(entries.map { $0.actor?.rawValue }),
                .int64Array(entries.map(\.leaf.rawValue)),
                .bytesArray(entries.map(\.sealedDetails)), .bytesArray(entries.map(\.hash)),
            ])
    }

    // MARK: Reads

    /// Takes note of a read, to be recorded within `interval`.
    ///
    /// - Throws: `ArchiveError.auditBehind` where earlier reads could not be recorded for
    ///   `patience`, or too many wait: then nothing must be served.
    func note(_ tally: PendingReads.Tally, _ place: PendingReads.Place) throws {
        let now = ContinuousClock.now
        let starts = try state.withLock { state in
            guard state.reads.age(at: now) < patience, state.reads.hasRoom(for: place) else {
                throw ArchiveError.auditBehind
            }
            state.reads.add(tally, place, at: now)
            defer { state.isScheduled = true }
            return !state.isScheduled
        }
        if starts { schedule() }
    }

    /// Flushes after `interval`, and again until nothing waits. It ends with the log: nobody
    /// has to stop it.
    private func schedule() {
        Task { [weak self] in
            var backoff = Backoff(first: Self.interval, maximum: .seconds(2))
            var wait = Self.interval
            while true {
                try? await Task.sleep(for: wait)
                guard let self else { return }
                do {
                    try await flush()
                    if isIdle() { return }
                    wait = Self.interval
                } catch let error as PostgresError where error.kind == .poolClosed {
                    return
                } catch {
                    wait = backoff.next()
                }
            }
        }
    }

    private func isIdle() -> Bool {
        state.withLock { state in
            let isIdle = state.reads.isEmpty && state.untold.isEmpty
            if isIdle { state.isScheduled = false }
            return isIdle
        }
    }

    /// Records the reads that wait, now.
    /// - Throws: why the database does not take them; they then wait on.
    package func flush() async throws {
        do {
            try await write()
        } catch let error as PostgresError where error.isDiskFull {
            // Reading ends where it cannot be recorded; this room is kept for that. Whoever ends
            // with this, as a command does, comes no second time.
            try await Archive.giveUpReserve(on: pool)
            try await write()
        }
    }

    private func write() async throws {
        var rest = state.withLock { $0.reads.take() }
        do {
            // In the order of their numbers, as a forget locks them and another process would.
            let places = rest.keys.sorted {
                ($0.channel.rawValue, $0.reader.recipientNumber)
                    < ($1.channel.rawValue, $1.reader.recipientNumber)
            }
            for start in stride(from: 0, to: places.count, by: Self.batch) {
                let part = places[start..<min(start + Self.batch, places.count)]
                let reads = part.compactMap { place in rest[place].map { (place, $0) } }
                try await pool.withTransaction { connection in
                    try await record(reads, on: connection)
                }
                for place in part { rest[place] = nil }
                state.withLock { $0.untold += reads }
                try await tellLate()
            }
            try await tellLate()
            state.withLock { $0.reads.written() }
        } catch {
            state.withLock { [rest] in $0.reads.putBack(rest) }
            throw error
        }
    }

    /// Recorded they are, so they are not recorded again where this fails, but told of next time.
    private func tellLate() async throws {
        let untold = state.withLock { state in
            defer { state.untold = [] }
            return state.untold
        }
        do {
            for start in stride(from: 0, to: untold.count, by: Self.batch) {
                try await pool.withTransaction { connection in
                    try await Recipients.tellLate(
                        Array(untold[start..<min(start + Self.batch, untold.count)]),
                        on: connection)
                }
            }
        } catch {
            state.withLock { $0.untold = untold + $0.untold }
            throw error
        }
    }

    private func record(
        _ reads: [(PendingReads.Place, PendingReads.Tally)], on connection: PostgresConnection
    ) async throws {
        try await Recipients.record(reads, on: connection)
        try await append(
            reads.map { place, tally in
                Act(
                    kind: place.reader == .anyone ? .messagesReadOpenly : .messagesRead,
                    actor: place.reader.token, leaf: place.channel,
                    details: tally.auditDetails(place.basis), at: tally.lastAt)
            }, on: connection)
    }

    // MARK: Heads

    /// Signs the heads of chains, of whichever process, that went on since they were signed
    /// last, if that is at least `age` ago.
    package func signHeads(age: TimeInterval = headInterval, now: Date) async throws {
        while try await signHeads(age: age, writer: nil, now: now) == Self.batch {}
    }

    private func signHeads(age: TimeInterval, writer: ChannelNumber?, now: Date) async throws
        -> Int
    {
        try await pool.withTransaction { connection in
            // Only what the last entry says, too: a chain that was tampered with gets no
            // signature that would hide it.
            let rows = try await connection.query(
                """
                select c.writer, e.number, e.hash
                from audit_chain c
                join audit_entry e on e.writer = c.writer and e.number = c.next_number - 1
                    and e.hash = c.hash
                where c.next_number - 1 > c.signed_number and c.signed_at <= $1
                    and ($2::int8 is null or c.writer = $2)
                order by c.writer limit $3 for update of c skip locked
                """,
                [
                    .timestamp(now.addingTimeInterval(-age)), .optional(writer),
                    .int64(Int64(Self.batch)),
                ])
            let heads = try rows.map { row in
                AuditHead(
                    writer: try row.channelNumber("writer"), number: try row.int64("number"),
                    hash: try row.bytes("hash"), at: now, signedBy: vault.signingKey)
            }
            guard !heads.isEmpty else { return 0 }
            _ = try await connection.execute(
                """
                with new as (
                    select * from unnest($1::int8[], $2::int8[], $3::bytea[], $4::bytea[])
                        n (writer, number, hash, signature)),
                signed as (
                    update audit_chain c set signed_number = n.number, signed_at = $5
                    from new n where c.writer = n.writer)
                insert into audit_head (writer, number, hash, at, signature)
                select writer, number, hash, $5, signature from new
                """,
                [
                    .int64Array(heads.map(\.writer.rawValue)), .int64Array(heads.map(\.number)),
                    .bytesArray(heads.map(\.hash)), .bytesArray(heads.map(\.signature)),
                    .timestamp(now.wholeMilliseconds),
                ])
            return heads.count
        }
    }

    /// Records what waits, and signs the head of this process's chain: nothing comes after it.
    ///
    /// - Throws: why reads cannot be recorded. A head that cannot be signed now is signed by
    ///   whichever process comes next.
    package func close(now: Date) async throws {
        try await flush()
        guard state.withLock({ $0.hasAppended }) else { return }
        _ = try? await signHeads(age: 0, writer: writer, now: now)
    }
}
