import Foundation

/// Measures how long something takes.
enum Timing {
    /// Many short rounds, of which the fastest counts. The thread's own time is measured, since
    /// other programs take whole slices away; what they take from caches, and from a core that
    /// two threads share, still shows in most rounds.
    static let rounds = 100
    private static let shortestRound: Duration = .milliseconds(2)

    /// Seconds that one call of `body` takes at best.
    static func seconds(
        rounds: Int = rounds, _ body: () throws -> Void
    ) rethrows -> Double {
        var calls = 1
        while try seconds(of: calls, body) < shortestRound / .seconds(1) { calls *= 2 }
        let measured = try (0..<rounds).map { _ in try seconds(of: calls, body) / Double(calls) }
        return measured.min() ?? .nan
    }

    private static func seconds(of calls: Int, _ body: () throws -> Void) rethrows -> Double {
        let start = threadSeconds
        for _ in 0..<calls { try body() }
        return threadSeconds - start
    }

    private static var threadSeconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Seconds of all cores that this process has taken.
    static var processSeconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Seconds that one call takes which is long by itself: the median of five.
    static func seconds(ofLong body: () async throws -> Void) async rethrows -> Double {
        var measured: [Double] = []
        for _ in 0..<5 {
            let start = ContinuousClock.now
            try await body()
            measured.append((ContinuousClock.now - start) / .seconds(1))
        }
        return measured.sorted()[measured.count / 2]
    }
}
