/// Whether a replica may be asked: a state machine, without any effect.
package struct ReplicaStanding: Sendable {
    /// After the first failed read; each further one doubles it.
    private static let shortestRest: Duration = .seconds(1)
    private static let longestRest: Duration = .seconds(60)

    /// How old what it shows was at the last look; nil where it was too old, or did not answer.
    package private(set) var age: Duration?
    private var lookedAt: ContinuousClock.Instant?
    private var failures = 0
    private var restsUntil: ContinuousClock.Instant?

    package init() {}

    /// It was looked at; with nil where it does not do.
    package mutating func looked(_ age: Duration?, at now: ContinuousClock.Instant) {
        self.age = age
        lookedAt = now
    }

    /// A read of it failed by its own fault: it is left alone for a while.
    package mutating func failed(at now: ContinuousClock.Instant) {
        let rest = Self.shortestRest * (1 << min(failures, 6))
        failures += 1
        restsUntil = now + min(rest, Self.longestRest)
    }

    /// A read of it went well.
    package mutating func served() { failures = 0 }

    /// - Parameter bound: What was known of it longer ago counts no more: it may hang.
    package func isUsable(at now: ContinuousClock.Instant, bound: Duration) -> Bool {
        guard age != nil, let lookedAt, now - lookedAt <= bound else { return false }
        return restsUntil.map { now >= $0 } ?? true
    }
}
