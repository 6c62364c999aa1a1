/// How long to wait before the next try: grows by a factor up to a maximum, shortened at
/// random so that many who failed together do not come back together.
///
/// A value: it does not wait, and knows no clock.
package struct Backoff: Sendable, Hashable {
    /// The first wait before jitter.
    package let first: Duration
    /// No wait is longer.
    package let maximum: Duration
    /// What a wait is multiplied by for the next one.
    package let factor: Double
    /// The largest part of a wait that chance may take away, 0 to 1.
    package let jitter: Double

    /// Waits handed out since the start or the last reset.
    package private(set) var attempts = 0

    private var upcoming: Duration

    /// Values out of range are moved into it: `first` is at least a millisecond (else a
    /// loop would spin), `maximum` at least `first`, `factor` at least 1, `jitter` 0 to 1.
    package init(
        first: Duration, maximum: Duration, factor: Double = 2, jitter: Double = 0.5
    ) {
        let start = max(first, .milliseconds(1))
        self.first = start
        self.maximum = max(maximum, start)
        self.factor = factor.isFinite ? max(factor, 1) : 1
        self.jitter = jitter.isFinite ? min(max(jitter, 0), 1) : 0
        upcoming = start
    }

    /// The next wait: between `(1 - jitter)` and all of the wait that is due, and at
    /// least a millisecond.
    package mutating func next(using generator: inout some RandomNumberGenerator) -> Duration {
        let due = upcoming
        // Compared before multiplying: a duration that overflows traps.
        upcoming = due >= maximum / factor ? maximum : due * factor
        attempts = attempts == .max ? attempts : attempts + 1
        let share = jitter == 0 ? 1 : 1 - Double.random(in: 0...jitter, using: &generator)
        return min(max(due * share, .milliseconds(1)), maximum)
    }

    /// The next wait, by the system's random numbers.
    package mutating func next() -> Duration {
        var generator = SystemRandomNumberGenerator()
        return next(using: &generator)
    }

    /// Starts over, after a success.
    package mutating func reset() {
        attempts = 0
        upcoming = first
    }
}
