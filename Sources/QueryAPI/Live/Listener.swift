import Failures
import Synchronization

/// What waits for one who listens, within bounds: whoever takes too little is dropped.
final class Listener: Sendable {
    /// Bytes of events that wait for a listener, unless one batch alone has more. All who wait for
    /// a batch share it.
    static let waitingBytes = 1 << 20
    /// Batches, which may be small.
    static let waitingBatches = 64

    /// Why nothing more comes.
    enum End: Sendable {
        /// The service stops.
        case stopped
        case failed(any Error)
    }

    /// What comes next.
    enum Next: Sendable {
        case messages([LiveMessage])
        /// Nothing; to show that the stream is alive.
        case heartbeat
        /// The service stops.
        case end
    }

    private struct State {
        var batches: [[LiveMessage]] = []
        var bytes = 0
        var beats = false
        var end: End?
        var waiting: [Wait: CheckedContinuation<Void, Never>] = [:]

        mutating func wake(_ wait: Wait) { waiting.removeValue(forKey: wait)?.resume() }
    }

    /// What is waited for.
    private enum Wait {
        case next, drop
    }

    private let state = Mutex(State())

    /// Takes a batch, or drops the listener.
    func offer(_ batch: [LiveMessage]) {
        let bytes = batch.reduce(0) { $0 + $1.event.count }
        state.withLock { state in
            guard state.end == nil else { return }
            let isFull =
                state.batches.count >= Self.waitingBatches
                || !state.batches.isEmpty && state.bytes + bytes > Self.waitingBytes
            if isFull {
                Self.end(&state, .failed(RequestError.tooSlow))
            } else {
                state.batches.append(batch)
                state.bytes += bytes
                state.wake(.next)
            }
        }
    }

    /// Has something sent where nothing waits.
    func beat() {
        state.withLock { state in
            guard state.batches.isEmpty, state.end == nil else { return }
            state.beats = true
            state.wake(.next)
        }
    }

    /// Nothing comes any more. The first reason counts.
    func end(_ end: End) {
        state.withLock { state in
            if state.end == nil { Self.end(&state, end) }
        }
    }

    private static func end(_ state: inout State, _ end: End) {
        state.end = end
        state.batches = []
        state.wake(.next)
        state.wake(.drop)
    }

    /// Everything that waits, or waits for something. One call at a time.
    ///
    /// - Throws: Why the listener is dropped; `CancellationError`.
    func next() async throws -> Next {
        while true {
            try Task.checkCancellation()
            let next = try state.withLock { state -> Next? in
                switch state.end {
                case .failed(let error)?: throw error
                case .stopped?: return .end
                case nil: break
                }
                defer {
                    state.batches = []
                    state.bytes = 0
                    state.beats = false
                }
                if !state.batches.isEmpty { return .messages(state.batches.flatMap { $0 }) }
                return state.beats ? .heartbeat : nil
            }
            if let next { return next }
            await pause(.next) { $0.batches.isEmpty && !$0.beats && $0.end == nil }
        }
    }

    /// Returns when the listener was dropped, also while what it took is still being sent.
    ///
    /// - Throws: Why; `CancellationError`.
    func dropped() async throws {
        while true {
            try Task.checkCancellation()
            if case .failed(let error)? = state.withLock({ $0.end }) { throw error }
            if state.withLock({ $0.end != nil }) { return }
            await pause(.drop) { $0.end == nil }
        }
    }

    /// Suspends as long as the condition holds; wakes up also when cancelled.
    private func pause(
        _ wait: Wait, while condition: @Sendable (State) -> Bool
    ) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                state.withLock { state in
                    guard condition(state), !Task.isCancelled else {
                        return continuation.resume()
                    }
                    state.waiting[wait] = continuation
                }
            }
        } onCancel: {
            state.withLock { $0.wake(wait) }
        }
    }
}
