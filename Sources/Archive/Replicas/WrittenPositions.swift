import Postgres

/// Up to where a server has written its log, or a copy replayed it.
package struct LogPosition: Sendable, Equatable {
    /// Random, the same for a primary and all its copies.
    package let system: Int64
    /// Another one after every promotion: behind it, positions of the two say nothing of each other.
    package let timeline: Int32
    /// Bytes since the beginning.
    package let bytes: Int64

    package init(system: Int64, timeline: Int32, bytes: Int64) {
        (self.system, self.timeline, self.bytes) = (system, timeline, bytes)
    }
}

/// Up to where the primary had written its log when it was asked: from it follows how old a copy is.
///
/// It goes by this process's clock alone. The time of the last transaction that a copy replayed would
/// take the clocks of both servers to agree, and call a copy old whose primary has nothing to say.
package struct WrittenPositions: Sendable {
    private struct Sample {
        let askedAt: ContinuousClock.Instant
        let position: LogPosition
    }

    /// The oldest first.
    private var samples: [Sample] = []
    /// Beyond this age samples are of no use.
    private let bound: Duration

    package init(bound: Duration) { self.bound = bound }

    /// - Parameter askedAt: before the question went out: all that anybody could see by then is
    ///   written up to `position`.
    package mutating func note(_ position: LogPosition, askedAt: ContinuousClock.Instant) {
        if let last = samples.last?.position,
            last.system != position.system || last.timeline != position.timeline
        {
            // Another primary: what the one before had written may be nowhere.
            samples = []
        }
        let end = LogPosition(
            system: position.system, timeline: position.timeline,
            bytes: Self.endOfRecord(position.bytes))
        samples.append(Sample(askedAt: askedAt, position: end))
        samples.removeAll { askedAt - $0.askedAt > bound }
    }

    /// How old at most is what a copy shows that has replayed so much; nil where that is not known,
    /// or more than the bound.
    package func age(of replayed: LogPosition, now: ContinuousClock.Instant) -> Duration? {
        let covered = samples.last { sample in
            sample.position.system == replayed.system
                && sample.position.timeline == replayed.timeline
                && sample.position.bytes <= replayed.bytes
        }
        guard let covered else { return nil }
        let age = max(now - covered.askedAt, .zero)
        return age <= bound ? age : nil
    }

    /// Where a record ends just before a page of the log, the next byte to be written is told as
    /// the one behind that page's header, and a copy that has replayed all as the page's first. No
    /// record ends within a header, so the page's first byte stands for both.
    private static func endOfRecord(_ position: Int64) -> Int64 {
        let offset = position % page
        return offset <= longestHeader ? position - offset : position
    }

    private static let page: Int64 = 8192
    private static let longestHeader: Int64 = 40
}
