import HTTPServer
import Testing

@Suite("Deadlines of a connection")
struct ClockTests {
    static let start = ContinuousClock.now
    static let deadlines: HTTPDeadlines = {
        var deadlines = HTTPDeadlines()
        deadlines.header = .seconds(1)
        deadlines.body = .seconds(2)
        deadlines.handler = .seconds(3)
        deadlines.writeStall = .seconds(4)
        deadlines.idle = .seconds(5)
        return deadlines
    }()

    static func at(_ seconds: Double) -> ContinuousClock.Instant { start + .seconds(seconds) }

    private func verdict(
        _ clock: inout ConnectionClock, _ seconds: Double, _ acknowledged: UInt64 = 0
    ) -> ConnectionClock.Verdict {
        clock.verdict(
            now: Self.at(seconds), acknowledged: acknowledged, deadlines: Self.deadlines)
    }

    @Test("The first header's deadline runs from the start, whatever arrives in between")
    func firstHeader() {
        var clock = ConnectionClock(now: Self.start)
        clock.requestLineArrived(now: Self.at(0.9))
        #expect(verdict(&clock, 0.99) == .inTime)
        #expect(verdict(&clock, 1) == .cut(.headerDeadline))
    }

    @Test("A later header's deadline runs from its request line")
    func laterHeader() {
        var clock = ConnectionClock(now: Self.start)
        clock.exchangeEnded(now: Self.at(10))
        #expect(verdict(&clock, 14.9) == .inTime)
        clock.requestLineArrived(now: Self.at(14.9))
        #expect(verdict(&clock, 15.8) == .inTime)
        #expect(verdict(&clock, 15.9) == .cut(.headerDeadline))
    }

    @Test("Idle, body and handler have deadlines of their own")
    func others() {
        var clock = ConnectionClock(now: Self.start)
        clock.exchangeEnded(now: Self.start)
        #expect(verdict(&clock, 5) == .cut(.completed))
        clock.headerEnded(now: Self.start)
        #expect(verdict(&clock, 1.9) == .inTime)
        #expect(verdict(&clock, 2) == .cut(.bodyDeadline))
        clock.requestEnded(now: Self.start)
        #expect(verdict(&clock, 2.9) == .inTime)
        #expect(verdict(&clock, 3) == .answerForHandler)
    }

    @Test("A reader has to take enough, again and again")
    func writeStall() {
        var clock = ConnectionClock(now: Self.start)
        clock.answerStarted(now: Self.start, acknowledged: 500)
        let enough = ConnectionClock.leastProgress
        #expect(verdict(&clock, 3.9, 500 + enough - 1) == .inTime)
        #expect(verdict(&clock, 3.95, 500 + enough) == .inTime)
        #expect(verdict(&clock, 7.9, 500 + enough + 1) == .inTime)
        #expect(verdict(&clock, 7.95, 500 + 2 * enough - 1) == .cut(.writeStall))
    }

    @Test("A reader who took everything has all the time")
    func drained() {
        var clock = ConnectionClock(now: Self.start)
        clock.answerStarted(now: Self.start, acknowledged: 0)
        clock.drained(now: Self.at(3.9), acknowledged: 10)
        #expect(verdict(&clock, 7.8, 10) == .inTime)
        #expect(verdict(&clock, 7.9, 10) == .cut(.writeStall))
    }
}
