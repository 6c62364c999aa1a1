import Archive
import ArchiveTestSupport
import Foundation
import MAM
import Postgres
import TestSupport
import Testing
import Vault

/// Ranges of claimed time in the order in which messages were taken in.
@Suite struct MessageSelectionTests {
    private static let days = 300
    private static let messagesADay = 100

    /// Rows that claim one day after the other, but for some that came late, and some without a day.
    private static func with(
        _ body: (ChannelNumber, PostgresConnection) async throws -> Void
    ) async throws {
        try await TestArchive.with { test in
            let channel = try await test.register(.named("meter"), now: Date())
            try await test.pool.withConnection { connection in
                _ = try await connection.execute(
                    """
                    insert into message (
                        channel, sequence, position, leaf, period, side_key, claimed_day,
                        first_seen_at, lookup, sealed_head)
                    select $1, s, s, 0, 600, 0,
                        case s % 997 when 0 then null when 1 then s / $2 / 2 else s / $2 end,
                        now(), decode(lpad(to_hex(s), 32, '0'), 'hex'), '\\x00'
                    from generate_series(0, $3::bigint) s
                    """,
                    [
                        .int64(channel.rawValue), .int64(Int64(messagesADay)),
                        .int64(Int64(days * messagesADay - 1)),
                    ])
                _ = try await connection.execute("analyze message")
                try await body(channel, connection)
            }
        }
    }

    private static func date(_ day: Int) -> Date {
        Date(timeIntervalSince1970: Double(day) * 86400)
    }

    private static func sequences(
        _ selection: MessageSelection, limit: Int, _ connection: PostgresConnection
    ) async throws -> [Int64] {
        try await connection.query(
            "select sequence \(selection.text) \(selection.order) limit \(limit)",
            selection.parameters
        ).map { try $0.int64("sequence") }
    }

    /// Rows that a plan touched.
    private static func rows(_ plan: JSONValue) -> Double {
        let own = ["Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck"]
            .reduce(0) { $0 + (plan[$1]?.number ?? 0) }
        let below = (plan["Plans"]?.array ?? []).reduce(0) { $0 + rows($1) }
        return own * (plan["Actual Loops"]?.number ?? 1) + below
    }

    private static let ranges: [(from: Int?, to: Int?)] = [
        (200, 200), (250, 299), (290, nil), (nil, 3), (0, 299),
    ]

    @Test(arguments: ranges)
    func aPageTouchesFewRowsWhereverItsDaysAre(from: Int?, to: Int?) async throws {
        try await Self.with { channel, connection in
            var range = MessageRange()
            range.from = from.map(Self.date)
            range.to = to.map(Self.date)
            let selection = MessageSelection(channel, range, after: nil, nil)
            let plans = try await connection.query(
                """
                explain (analyze, format json) select sequence \(selection.text)
                \(selection.order) limit 50
                """, selection.parameters)
            let plan = try JSONDecoder().decode(
                [JSONValue].self, from: Data(plans[0].text(0).utf8))
            let touched = Self.rows(try #require(plan.first?["Plan"]))
            // Of 30,000; each day has two ends, which are rows of several steps of the plan.
            #expect(touched > 50 && touched < 5_000, "\(touched)")
        }
    }

    @Test func itHasWhatTheDaysHave() async throws {
        try await Self.with { channel, connection in
            var random = SeededGenerator(seed: 7)
            var found = 0
            for _ in 0..<60 {
                var range = MessageRange()
                let first = Int.random(in: -20..<Self.days + 20, using: &random)
                let last = first + Int.random(in: -1...40, using: &random)
                if random.next() % 4 > 0 { range.from = Self.date(first) }
                if random.next() % 4 > 0 || range.from == nil { range.to = Self.date(last) }
                range.descending = random.next() % 2 == 0
                let key = MessageKey(
                    sequence: .random(in: 0..<Int64(Self.days * Self.messagesADay), using: &random),
                    position: 0, leaf: 0)
                let after = random.next() % 2 == 0 ? key : nil
                let got = try await Self.sequences(
                    MessageSelection(channel, range, after: after, nil), limit: 500, connection)
                let wanted = try await connection.query(
                    """
                    select sequence from message where channel = $1
                        and claimed_day between $2 and $3
                        and ($4::bigint is null or sequence \(range.descending ? "<" : ">") $4)
                    order by sequence \(range.descending ? "desc" : "asc") limit 500
                    """,
                    [
                        .int64(channel.rawValue),
                        .int32(range.from == nil ? .min : Int32(first)),
                        .int32(range.to == nil ? .max : Int32(last)),
                        after.map { .int64($0.sequence) } ?? .null,
                    ]
                ).map { try $0.int64("sequence") }
                #expect(got == wanted, "\(range)")
                found += wanted.count
            }
            #expect(found > 1000)
        }
    }
}
