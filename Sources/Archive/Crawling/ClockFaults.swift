import Foundation
import Postgres

/// What a crawler leaves behind whose clock was wrong: times that lie further ahead than any that
/// a right one writes. Nobody waits for them.
extension Archive {
    /// Longer than any lease and than anything that a look is put off by (`damagedWait`), and than
    /// clocks differ that somebody looks after.
    static let clockTolerance: TimeInterval = 7200

    /// How long late leaves are looked for at trees that were passed by a wrong clock: an hour, as
    /// at others.
    private static let watchAnew: TimeInterval = 3600

    /// Makes channels due whose next look lies beyond what any is put off by.
    ///
    /// - Returns: how many there were.
    @discardableResult
    package func mendSchedule(now: Date) async throws -> Int {
        let limit = now.addingTimeInterval(Self.clockTolerance)
        return try await pool.withConnection {
            // Whoever holds one is at it now; what is left of it is mended the next time.
            try await $0.query(
                """
                with mended as (
                    update channel set next_look_at = $1 where id in (
                        select id from channel
                        where state in ('following', 'waiting-for-key', 'stalled', 'flooded')
                            and next_look_at > $2
                        order by next_look_at limit $4 for update skip locked)
                    returning id),
                trees as (
                    update tree t set watch_until = $3, next_look_at = $1 from mended m
                    where t.channel = m.id and t.watch_until > $2),
                earlier as (
                    update earlier_chain e set next_look_at = $1 from mended m
                    where e.channel = m.id and e.next_look_at > $2)
                select count(*)::bigint from mended
                """,
                [
                    .timestamp(now), .timestamp(limit),
                    .timestamp(now.addingTimeInterval(Self.watchAnew)),
                    .int64(Self.mendedTogether),
                ])
        }.first.map { Int(try $0.int64(0)) } ?? 0
    }

    /// Channels mended at once: those that one look for due ones leases, as a rule.
    private static let mendedTogether: Int64 = 1000

    /// What time it is by the database's clock.
    package func databaseTime() async throws -> Date {
        let rows = try await pool.withConnection {
            try await $0.query("select clock_timestamp() as now")
        }
        return try rows.first?.timestamp("now") ?? .distantPast
    }
}
