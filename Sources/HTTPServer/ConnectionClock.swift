/// What a connection waits for, since when, and when that has taken too long.
package struct ConnectionClock: Sendable, Hashable {
    package typealias Instant = ContinuousClock.Instant

    package enum Phase: Sendable, Hashable {
        /// No request line yet: the first one falls under the header deadline, later ones
        /// under the idle deadline.
        case awaitingRequest(first: Bool)
        case header
        case body
        case handling
        case sending
    }

    package enum Verdict: Sendable, Hashable {
        case inTime
        case cut(HTTPExchange.Outcome)
        /// The handler has not answered; 503 does.
        case answerForHandler
    }

    /// Bytes the reader must take within the write-stall deadline while more are ready: below
    /// this a connection costs more than anyone who wants the answer would make it cost.
    package static let leastProgress: UInt64 = 1 << 10

    package private(set) var phase: Phase = .awaitingRequest(first: true)
    private var since: Instant
    /// Bytes acknowledged when the current stretch of sending began.
    private var acknowledged: UInt64 = 0

    package init(now: Instant) { since = now }

    /// The first request's line does not extend its header deadline.
    package mutating func requestLineArrived(now: Instant) {
        if phase != .awaitingRequest(first: true) { since = now }
        phase = .header
    }

    package mutating func headerEnded(now: Instant) { enter(.body, now) }
    package mutating func requestEnded(now: Instant) { enter(.handling, now) }
    package mutating func exchangeEnded(now: Instant) { enter(.awaitingRequest(first: false), now) }

    package mutating func answerStarted(now: Instant, acknowledged: UInt64) {
        enter(.sending, now)
        self.acknowledged = acknowledged
    }

    private mutating func enter(_ phase: Phase, _ now: Instant) {
        self.phase = phase
        since = now
    }

    /// Everything handed over so far was taken: the next stretch of sending starts afresh.
    package mutating func drained(now: Instant, acknowledged: UInt64) {
        guard phase == .sending else { return }
        since = now
        self.acknowledged = acknowledged
    }

    /// To be called every tick. `acknowledged` is what the reader has acknowledged so far on
    /// the connection; it matters only while sending.
    package mutating func verdict(
        now: Instant, acknowledged: UInt64, deadlines: HTTPDeadlines
    ) -> Verdict {
        let waited = since.duration(to: now)
        switch phase {
        case .awaitingRequest(first: true), .header:
            return waited >= deadlines.header ? .cut(.headerDeadline) : .inTime
        case .awaitingRequest(first: false):
            return waited >= deadlines.idle ? .cut(.completed) : .inTime
        case .body:
            return waited >= deadlines.body ? .cut(.bodyDeadline) : .inTime
        case .handling:
            return waited >= deadlines.handler ? .answerForHandler : .inTime
        case .sending:
            if acknowledged &- self.acknowledged >= Self.leastProgress {
                since = now
                self.acknowledged = acknowledged
                return .inTime
            }
            return waited >= deadlines.writeStall ? .cut(.writeStall) : .inTime
        }
    }
}
