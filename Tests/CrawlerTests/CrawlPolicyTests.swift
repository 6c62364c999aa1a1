import Crawler
import Foundation
import Testing

/// How long the crawler waits.
@Suite struct CrawlPolicyTests {
    private let policy = CrawlPolicy()
    private let now = Date(timeIntervalSince1970: 1_800_000_000)

    @Test func theWaitGrowsWithTheQuietWithinItsBounds() {
        let waits = [0, 60, 600, 6000, 1e9].map { policy.wait(quiet: $0, jitter: 0.5) }
        #expect(waits == waits.sorted())
        #expect(waits.first == policy.shortestWait)
        #expect(waits[2] == 60)
        #expect(waits.last == policy.longestWait)
    }

    @Test func aClockThatWentBackwardsGivesTheShortestWait() {
        #expect(policy.wait(quiet: -1e9, jitter: 0.5) == policy.shortestWait)
    }

    @Test func jitterSpreadsTheWaitByATenth() {
        #expect(policy.wait(quiet: 600, jitter: 0) == 54)
        #expect(policy.wait(quiet: 600, jitter: 0.999) < 66)
    }

    @Test func aPassedTreeIsWatchedAtItsTimesAndThenNoMore() throws {
        let until = now.addingTimeInterval(policy.watchDuration)
        var times: [Double] = []
        var time = now
        while let next = policy.nextWatch(of: until, now: time) {
            try #require(next > time)
            times.append(next.timeIntervalSince(now))
            time = next
        }
        #expect(times == [72, 720, 3600])
    }

    @Test func looksThatComeLateAreNotMadeUpFor() {
        let until = now.addingTimeInterval(policy.watchDuration)
        #expect(policy.nextWatch(of: until, now: now.addingTimeInterval(1000)) == until)
        #expect(policy.nextWatch(of: until, now: until) == nil)
    }
}
