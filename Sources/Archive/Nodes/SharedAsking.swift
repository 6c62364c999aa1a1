import Synchronization

/// Has what several callers ask at the same time answered by one question to the database: who
/// comes while others are being answered waits for them, and is then asked for together with all
/// who wait. Alone, nobody waits.
///
/// A question that began does not end with the task of its caller: others may wait for it.
package final class SharedAsking<Question: Sendable, Answer: Sendable>: Sendable {
    /// One answer a question, in their order; nil where they are too much to be asked together.
    package typealias Ask = @Sendable ([Question]) async throws -> [Answer]?

    private struct Waiter {
        let question: Question
        let continuation: CheckedContinuation<Answer?, Never>
    }

    private struct State {
        var gathering: Gathering<Waiter>
        var last = 0
    }

    private let state: Mutex<State>
    private let ask: Ask

    /// - Parameters:
    ///   - atOnce: questions to the database at the same time.
    ///   - weightLimit: what those asked together weigh at most.
    package init(atOnce: Int, weightLimit: Int, ask: @escaping Ask) {
        state = Mutex(State(gathering: Gathering(atOnce: atOnce, weightLimit: weightLimit)))
        self.ask = ask
    }

    /// Those who wait for others to be answered.
    package var waitingCount: Int { state.withLock { $0.gathering.count } }

    /// - Returns: nil where those asked together failed or were too much: the caller then asks for
    ///   himself, and what is wrong with one question is not everybody's.
    package func answer(to question: Question, weight: Int) async -> Answer? {
        await withCheckedContinuation { continuation in
            let batch = state.withLock { state in
                state.last &+= 1
                state.gathering.add(
                    Waiter(question: question, continuation: continuation), weight: weight,
                    of: state.last)
                return state.gathering.next()
            }
            if let batch { begin(batch.map(\.request)) }
        }
    }

    private func begin(_ waiters: [Waiter]) {
        Task {
            let answers = try? await ask(waiters.map(\.question))
            // The next question is on its way before these are told.
            let next = state.withLock { state in
                state.gathering.ended()
                return state.gathering.next()
            }
            if let next { begin(next.map(\.request)) }
            for (place, waiter) in waiters.enumerated() {
                let answer = answers.flatMap { $0.indices.contains(place) ? $0[place] : nil }
                waiter.continuation.resume(returning: answer)
            }
        }
    }
}
