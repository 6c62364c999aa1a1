import Archive
import Testing

/// How old a copy is, and when it may be asked: the decisions.
@Suite struct ReplicaStandingTests {
    private let start = ContinuousClock.now

    private static func position(
        _ bytes: Int64, system: Int64 = 1, timeline: Int32 = 1
    ) -> LogPosition {
        LogPosition(system: system, timeline: timeline, bytes: bytes)
    }

    @Test func aCopyIsAsOldAsTheLastQuestionWhoseAnswerItHasReplayed() {
        var written = WrittenPositions(bound: .seconds(10))
        #expect(written.age(of: Self.position(1 << 40), now: start) == nil)
        for second in 0..<5 {
            written.note(
                Self.position(10_000 + Int64(second) * 100), askedAt: start + .seconds(second))
        }
        let now = start + .seconds(6)
        #expect(written.age(of: Self.position(10_400), now: now) == .seconds(2))
        #expect(written.age(of: Self.position(20_000), now: now) == .seconds(2))
        #expect(written.age(of: Self.position(10_399), now: now) == .seconds(3))
        #expect(written.age(of: Self.position(10_000), now: now) == .seconds(6))
        // It may have been at this for ever.
        #expect(written.age(of: Self.position(9_999), now: now) == nil)
        #expect(written.age(of: Self.position(10_400), now: start + .seconds(15)) == nil)
    }

    @Test func aPrimaryThatHasNothingToSayMakesNoCopyOld() {
        var written = WrittenPositions(bound: .seconds(2))
        for second in 0...1000 {
            written.note(Self.position(10_000), askedAt: start + .seconds(second))
        }
        let age = written.age(of: Self.position(10_000), now: start + .seconds(1000))
        #expect(age == .zero)
    }

    @Test func behindAPromotionPositionsOfBeforeSayNothing() {
        var written = WrittenPositions(bound: .seconds(10))
        written.note(Self.position(10_000), askedAt: start)
        #expect(written.age(of: Self.position(20_000, system: 2), now: start) == nil)
        #expect(written.age(of: Self.position(20_000, timeline: 2), now: start) == nil)
        written.note(Self.position(10_500, timeline: 2), askedAt: start + .seconds(1))
        // It may hold what the promoted one never had.
        #expect(written.age(of: Self.position(20_000), now: start + .seconds(1)) == nil)
        #expect(
            written.age(of: Self.position(10_500, timeline: 2), now: start + .seconds(1)) == .zero)
    }

    /// As after `pg_switch_wal`: the primary stands behind a header that no copy replays.
    @Test(arguments: [(24 as Int64, 2 as Int64), (40, 2048)])
    func aPagesHeaderIsNotMissed(header: Int64, page: Int64) {
        var written = WrittenPositions(bound: .seconds(10))
        written.note(Self.position(page * 8192 + header), askedAt: start)
        #expect(written.age(of: Self.position(page * 8192), now: start) == .zero)
        #expect(written.age(of: Self.position(page * 8192 - 8), now: start) == nil)
        written = WrittenPositions(bound: .seconds(10))
        written.note(Self.position(page * 8192 + 48), askedAt: start)
        #expect(written.age(of: Self.position(page * 8192), now: start) == nil)
    }

    @Test func aReplicaThatFailsIsLeftAloneForLongerEachTime() {
        var standing = ReplicaStanding()
        let bound = Duration.seconds(600)
        func isUsable(_ seconds: Double) -> Bool {
            standing.isUsable(at: start + .seconds(seconds), bound: bound)
        }
        #expect(!isUsable(0))
        standing.looked(.milliseconds(3), at: start)
        #expect(isUsable(0))
        standing.failed(at: start)
        #expect(!isUsable(0.9) && isUsable(1))
        standing.failed(at: start)
        #expect(!isUsable(1.9) && isUsable(2))
        for _ in 0..<20 { standing.failed(at: start) }
        #expect(!isUsable(59) && isUsable(60))
        standing.served()
        standing.failed(at: start)
        #expect(isUsable(1))
    }

    @Test func aReplicaThatIsBehindOrNotHeardOfIsNotAsked() {
        var standing = ReplicaStanding()
        standing.looked(.milliseconds(3), at: start)
        #expect(standing.isUsable(at: start + .seconds(5), bound: .seconds(5)))
        #expect(!standing.isUsable(at: start + .seconds(6), bound: .seconds(5)))
        standing.looked(nil, at: start + .seconds(1))
        #expect(standing.age == nil)
        #expect(!standing.isUsable(at: start + .seconds(1), bound: .seconds(5)))
    }
}
