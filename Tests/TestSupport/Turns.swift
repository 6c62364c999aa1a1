import Synchronization

/// Lets only so many tests have a database at once: more are slower together than one after
/// the other, and a server has only so many connections.
final class Turns: Sendable {
    static let shared = Turns(limit: 10)

    /// A test that has a database already gets a second one at once, so that no two tests
    /// can wait for each other.
    @TaskLocal static var taken = false

    private struct State {
        var free: Int
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Mutex<State>

    init(limit: Int) { state = Mutex(State(free: limit)) }

    func with<Value>(_ body: () async throws -> Value) async throws -> Value {
        guard !Self.taken else { return try await body() }
        await wait()
        defer { end() }
        return try await Self.$taken.withValue(true) { try await body() }
    }

    private func wait() async {
        await withCheckedContinuation { continuation in
            let goes = state.withLock { state in
                guard state.free == 0 else {
                    state.free -= 1
                    return true
                }
                state.waiting.append(continuation)
                return false
            }
            if goes { continuation.resume() }
        }
    }

    private func end() {
        let next = state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.free += 1
                return nil as CheckedContinuation<Void, Never>?
            }
            return state.waiting.removeFirst()
        }
        next?.resume()
    }
}
