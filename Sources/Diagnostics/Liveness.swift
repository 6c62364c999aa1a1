import Synchronization

/// Which parts of a process are at work: each says so as it goes, and whoever asks learns which
/// have been silent for longer than they should.
///
/// A part that waits for nothing to do has to beat all the same, so its limit is longer than its
/// longest wait.
package final class Liveness: Sendable {
    private struct Part {
        let name: String
        let limit: Duration
        var beat: ContinuousClock.Instant
    }

    private let parts = Mutex<[Part]>([])

    package init() {}

    /// A part's way to say that it is at work.
    package struct Pulse: Sendable {
        private let liveness: Liveness?
        private let index: Int

        fileprivate init(_ liveness: Liveness?, _ index: Int) {
            self.liveness = liveness
            self.index = index
        }

        /// For whoever nobody watches.
        package static let unwatched = Pulse(nil, 0)

        package func beat(at now: ContinuousClock.Instant = .now) {
            liveness?.parts.withLock { $0[index].beat = now }
        }
    }

    /// Watches one more part, which counts as having beaten now.
    ///
    /// - Parameters:
    ///   - name: Also the value of a metric's label.
    ///   - limit: How long it may be silent.
    package func watch(
        _ name: String, limit: Duration, from now: ContinuousClock.Instant = .now
    ) -> Pulse {
        parts.withLock { parts in
            parts.append(Part(name: name, limit: limit, beat: now))
            return Pulse(self, parts.count - 1)
        }
    }

    /// The names of the parts that have been silent for too long.
    package func silent(at now: ContinuousClock.Instant = .now) -> [String] {
        parts.withLock { $0.filter { now - $0.beat > $0.limit }.map(\.name) }
    }

    /// For how long each part has been silent, in the order in which they came.
    package func silences(
        at now: ContinuousClock.Instant = .now
    ) -> [(name: String, silence: Duration)] {
        parts.withLock { $0.map { ($0.name, now - $0.beat) } }
    }
}
