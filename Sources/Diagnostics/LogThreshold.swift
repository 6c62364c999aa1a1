import Synchronization

/// The lowest level that is written; a log shares it with all that are made of it, so that an
/// operator may hear more of a process that runs.
final class LogThreshold: Sendable {
    private let rank: Atomic<Int>

    init(_ level: LogLevel) { rank = Atomic(level.rank) }

    func set(_ level: LogLevel) { rank.store(level.rank, ordering: .relaxed) }

    func admits(_ level: LogLevel) -> Bool { level.rank >= rank.load(ordering: .relaxed) }
}
