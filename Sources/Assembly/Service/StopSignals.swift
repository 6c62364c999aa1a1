import Dispatch
import Foundation
import Synchronization

/// Waits for SIGTERM or SIGINT, which from `init` on no longer end the process at once.
///
/// A second signal ends it: whoever sends it does not want to wait.
package final class StopSignals: Sendable {
    private struct State {
        var received = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    private let sources = Mutex<[any DispatchSourceSignal]>([])

    package init() {
        sources.withLock { sources in
            for number in [SIGTERM, SIGINT] {
                // The source is told of a signal only where it does nothing else.
                signal(number, SIG_IGN)
                let source = DispatchSource.makeSignalSource(
                    signal: number, queue: DispatchQueue.global())
                source.setEventHandler { [weak self] in self?.receive(number) }
                source.resume()
                sources.append(source)
            }
        }
    }

    /// Returns when a signal has come, or the task is cancelled.
    package func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.received || Task.isCancelled { return true }
                    state.waiting.append(continuation)
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            release()
        }
    }

    private func receive(_ number: Int32) {
        let isSecond = state.withLock { state in
            defer { state.received = true }
            return state.received
        }
        // As the shell tells of a process that a signal ended.
        if isSecond { _exit(128 + number) }
        release()
    }

    private func release() {
        let waiting = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        waiting.forEach { $0.resume() }
    }
}
