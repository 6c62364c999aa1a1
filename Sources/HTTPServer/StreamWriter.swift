import Synchronization

/// Writes the body of one exchange into its connection's buffer.
struct StreamWriter: HTTPBodyWriter {
    let connection: Connection
    let number: UInt64

    func write(_ bytes: [UInt8]) async throws {
        var rest = bytes[...]
        while true {
            guard !Task.isCancelled else { throw connection.reasonToStop(number) }
            guard let taken = connection.append(number, rest) else {
                throw HTTPStreamError.disconnected
            }
            rest = rest.dropFirst(taken)
            if rest.isEmpty { return }
            await connection.waitForRoom(number)
        }
    }
}

/// The writer's side of a stream. Runs on Swift's threads.
extension Connection {
    /// Puts as much as fits into the buffer and says how much that was; nil once nobody reads.
    fileprivate func append(_ number: UInt64, _ bytes: ArraySlice<UInt8>) -> Int? {
        state.withLock { state in
            guard state.isOpen(number) else { return nil }
            let taken = state.exchange?.stream?.buffer.append(bytes)
            // Only the reader suspends while sending; before that the answer itself resumes.
            if case .sending = state.exchange?.stage, taken ?? 0 > 0 { state.resume() }
            return taken
        }
    }

    /// Returns when there is room, when nobody reads any more, or when the task is cancelled.
    fileprivate func waitForRoom(_ number: UInt64) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                state.withLock { state in
                    guard state.isOpen(number), !Task.isCancelled,
                        state.exchange?.stream?.buffer.hasRoom == false
                    else {
                        continuation.resume()
                        return
                    }
                    state.exchange?.stream?.waiting.append(continuation)
                }
            }
        } onCancel: {
            state.withLock { state in
                if state.exchange?.number == number { state.exchange?.stream?.wake() }
            }
        }
    }

    /// What a cancelled writer is told: it is cancelled too when the connection has ended.
    fileprivate func reasonToStop(_ number: UInt64) -> HTTPStreamError {
        state.withLock { $0.isOpen(number) ? .cancelled : .disconnected }
    }

    /// The body has returned or thrown.
    func streamEnded(_ number: UInt64, failed: Bool) {
        state.withLock { state in
            guard state.isOpen(number) else { return }
            state.exchange?.stream?.failed = failed
            if case .sending = state.exchange?.stage { state.resume() }
        }
    }
}

extension Connection.State {
    /// Whether the stream of that exchange can still be written to.
    fileprivate func isOpen(_ number: UInt64) -> Bool {
        cut == nil && exchange?.number == number && exchange?.stream?.failed == nil
            && exchange?.stream != nil
    }
}
