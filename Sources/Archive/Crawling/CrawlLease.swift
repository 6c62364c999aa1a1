import Failures
import Foundation
import MAM
import Postgres
import Tangle
import Ternary
import Vault

import struct Tangle.Bundle

/// The right to crawl a channel until somebody raises its epoch.
package struct CrawlLease: Sendable, Hashable {
    package let channel: ChannelNumber
    package let epoch: Int64

    package init(channel: ChannelNumber, epoch: Int64) {
        self.channel = channel
        self.epoch = epoch
    }
}

/// Which channels are leased.
package enum CrawlSchedule: Sendable {
    /// Those whose time for a look has come.
    case due
    /// All that were not looked at since, due or not.
    case notLookedAtSince(Date)
}

/// A tree of a chain that is looked at.
package struct FollowedTree: Sendable {
    package let position: Int64
    package let root: Root
    /// Nil for the head; otherwise until when late leaves and twins are looked for.
    package let watchUntil: Date?

    package init(position: Int64, root: Root, watchUntil: Date?) {
        self.position = position
        self.root = root
        self.watchUntil = watchUntil
    }
}

/// A bundle that waits for the side key that opens it.
package struct WaitingBundle: Sendable {
    package let position: Int64
    package let bundle: Bundle

    package init(position: Int64, bundle: Bundle) {
        self.position = position
        self.bundle = bundle
    }
}

/// All a crawler needs to look at a channel.
package struct CrawlAssignment: Sendable {
    package let lease: CrawlLease
    package let mode: ChannelMode
    package let state: ChannelState
    package let reason: String?
    /// The newest first; empty in modes without.
    package let sideKeys: [NumberedSideKey]
    package let head: FollowedTree
    /// Trees passed whose next look is due, the longest due first.
    package let watched: [FollowedTree]
    /// What waits for a key.
    package let waiting: [WaitingBundle]
    /// When something new was last taken in.
    package let lastNewsAt: Date
    /// When the channel was registered.
    package let createdAt: Date
    package let messageCount: Int64
    /// Raised by a forget or a restriction: what was read of the channel until then is given up.
    package let readersEpoch: Int64
    /// To whom owners may have encrypted the next side key.
    package let providers: [ProviderKey]
    /// The number of the earlier chain whose head this is; nil for the channel's own.
    package let filling: Int16?

    package init(
        lease: CrawlLease, mode: ChannelMode, state: ChannelState, reason: String?,
        sideKeys: [NumberedSideKey], head: FollowedTree, watched: [FollowedTree],
        waiting: [WaitingBundle], lastNewsAt: Date, createdAt: Date, messageCount: Int64,
        readersEpoch: Int64 = 0, providers: [ProviderKey] = [], filling: Int16? = nil
    ) {
        self.lease = lease
        self.mode = mode
        self.state = state
        self.reason = reason
        self.sideKeys = sideKeys
        self.head = head
        self.watched = watched
        self.waiting = waiting
        self.lastNewsAt = lastNewsAt
        self.createdAt = createdAt
        self.messageCount = messageCount
        self.readersEpoch = readersEpoch
        self.providers = providers
        self.filling = filling
    }
}

extension Archive {
    /// Passed trees that one assignment brings along: a look's worth of work.
    package static let watchedTreeLimit = 64

    /// Leases channels that are due, the longest due first, and raises their epochs; channels
    /// that another transaction holds are passed over.
    ///
    /// - Parameters:
    ///   - owner: Names the crawler for an operator.
    ///   - limit: How many channels at most.
    ///   - duration: After that the channel may be leased by others.
    package func acquireLeases(
        owner: String, limit: Int, duration: TimeInterval, schedule: CrawlSchedule = .due,
        now: Date
    ) async throws -> [CrawlAssignment] {
        guard limit > 0 else { return [] }
        let (condition, time) =
            switch schedule {
            case .due: ("next_look_at <= $5", now)
            case .notLookedAtSince(let start):
                ("(last_look_at is null or last_look_at < $5 or last_look_at > $6)", start)
            }
        return try await repeatableTransaction { connection in
            let rows = try await connection.query(
                """
                with due as (
                    select id from channel
                    where state in ('following', 'waiting-for-key', 'stalled', 'flooded')
                        and \(condition)
                        and (lease_until is null or lease_until <= $1 or lease_until > $6)
                    order by next_look_at limit $2 for update skip locked)
                update channel c
                set epoch = epoch + 1, lease_owner = $3, lease_until = $4
                from due where c.id = due.id
                returning c.id, c.epoch, c.mode, c.state, c.reason, c.head_position,
                    c.last_news_at, c.created_at, c.next_sequence, c.next_look_at, c.readers_epoch
                """,
                [
                    .timestamp(now), .int64(Int64(limit)), .text(owner),
                    .timestamp(now.addingTimeInterval(duration)), .timestamp(time),
                    .timestamp(now.addingTimeInterval(Self.clockTolerance)),
                ])
            let filling = try await fillingTurns(among: rows, schedule, on: connection)
            let holdings = try await holdings(of: rows, filling, now: now, on: connection)
            var assignments: [CrawlAssignment] = []
            for row in rows {
                do {
                    assignments.append(try assignment(row, holdings))
                } catch let failure as ArchiveError {
                    try await stall(row, failure, now: now, on: connection)
                } catch let failure as VaultError {
                    guard case .forgotten = failure else { throw failure }
                    try await stall(row, failure, now: now, on: connection)
                }
            }
            return assignments
        }
    }

    /// A channel whose stored values cannot be read is set aside with the reason, and does
    /// not keep the others from being crawled.
    private func stall(
        _ row: PostgresRow, _ failure: any Failure, now: Date, on connection: PostgresConnection
    ) async throws {
        _ = try await connection.execute(
            """
            update channel set state = 'stalled', reason = $2, next_look_at = $3,
                last_look_at = $4, lease_owner = null, lease_until = null
            where id = $1
            """,
            [
                .int64(try row.int64("id")), .text(failure.code),
                .timestamp(now.addingTimeInterval(Self.damagedWait)), .timestamp(now),
            ])
    }

    /// How long a channel with unreadable values is left alone: an operator has to act.
    private static let damagedWait: TimeInterval = 3600

    /// When the next channel is due, nil where none is crawled.
    package func nextDue() async throws -> Date? {
        let rows = try await pool.withConnection {
            try await $0.query(
                """
                select min(greatest(next_look_at, coalesce(lease_until, next_look_at))) as due
                from channel
                where state in ('following', 'waiting-for-key', 'stalled', 'flooded')
                """)
        }
        return try rows.first?.optionalTimestamp("due")
    }

    /// When the first of the leases ends that keep channels from being looked at which
    /// nobody looked at since; nil where there is none.
    package func leasedByOthers(notLookedAtSince start: Date, now: Date) async throws -> Date? {
        let rows = try await pool.withConnection {
            try await $0.query(
                """
                select min(lease_until) as free from channel
                where state in ('following', 'waiting-for-key', 'stalled', 'flooded')
                    and (last_look_at is null or last_look_at < $1)
                    and lease_until > $2 and lease_until <= $3
                """,
                [
                    .timestamp(start), .timestamp(now),
                    .timestamp(now.addingTimeInterval(Self.clockTolerance)),
                ])
        }
        return try rows.first?.optionalTimestamp("free")
    }

    /// Ends a look that failed: says why, and when the channel is due again. Where the look was at
    /// an earlier chain, the head has its turn first.
    package func setAside(
        _ lease: CrawlLease, filling: Int16? = nil, reason: String, now: Date, until: Date
    ) async throws {
        _ = try await pool.withConnection {
            if let filling { try await putOff(lease, filling, until: until, on: $0) }
            return try await $0.execute(
                """
                update channel set reason = $3, last_look_at = $4, next_look_at = $5,
                    lease_owner = null, lease_until = null
                where id = $1 and epoch = $2
                """,
                [
                    .int64(lease.channel.rawValue), .int64(lease.epoch), .text(reason),
                    .timestamp(now), .timestamp(until),
                ])
        }
    }

    /// Keeps leases; those that are missing in the answer are somebody else's now.
    package func renew(_ leases: [CrawlLease], until: Date) async throws -> Set<CrawlLease> {
        let rows = try await pool.withConnection {
            // In the order in which commits lock them.
            try await $0.query(
                """
                with held as (
                    select c.id from unnest($1::bigint[], $2::bigint[]) as k (id, epoch)
                        join channel c on c.id = k.id
                    where c.epoch = k.epoch and c.lease_owner is not null
                    order by c.id for update of c)
                update channel c set lease_until = $3 from held where c.id = held.id
                returning c.id, c.epoch
                """,
                [
                    .int64Array(leases.map(\.channel.rawValue)), .int64Array(leases.map(\.epoch)),
                    .timestamp(until),
                ])
        }
        return Set(
            try rows.map {
                CrawlLease(channel: try $0.channelNumber("id"), epoch: try $0.int64("epoch"))
            })
    }

    /// Gives back what a crawler of this name has leased; its channels are due as they were
    /// before. Turns of it that are still under way are shut out by the next lease.
    package func giveBackLeases(of owner: String) async throws {
        _ = try await pool.withConnection {
            try await $0.execute(
                """
                update channel set lease_owner = null, lease_until = null where lease_owner = $1
                """, [.text(owner)])
        }
    }

    func treeRoot(_ row: PostgresRow, of channel: ChannelNumber) throws -> Root {
        let column = SealedColumn.treeRoot
        let revealed = try vault.open(
            row.bytes("sealed_root"), column,
            column.context(channel, row: row.int64("position")))
        guard let root = try? Root(packed: revealed) else {
            throw ArchiveError.damaged(table: column.table, channel: channel)
        }
        return root
    }

    func insertTree(
        _ channel: ChannelNumber, position: Int64, root: Root, now: Date,
        on connection: PostgresConnection
    ) async throws {
        _ = try await connection.execute(
            """
            insert into tree (channel, position, sealed_root, next_look_at)
            values ($1, $2, $3, $4)
            """,
            [
                .int64(channel.rawValue), .int64(position),
                .bytes(try sealed(root, of: channel, at: position)), .timestamp(now),
            ])
    }

    func sealed(_ root: Root, of channel: ChannelNumber, at position: Int64) throws -> [UInt8] {
        try vault.seal(
            root.revealPacked(), SealedColumn.treeRoot.context(channel, row: position))
    }
}
