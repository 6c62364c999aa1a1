import Archive
import Synchronization
import TestSupport
import Testing

/// Who asks while others are being answered is asked for with all who wait.
@Suite struct SharedAskingTests {
    /// What is asked, until it is let go on.
    private final class Database: Sendable {
        private struct State {
            var asked: [[Int]] = []
            var answered = 0
            var held: [CheckedContinuation<Void, Never>] = []
        }

        private let state = Mutex(State())
        private let fails: @Sendable ([Int]) -> Bool

        init(failing fails: @escaping @Sendable ([Int]) -> Bool = { _ in false }) {
            self.fails = fails
        }

        struct Refusal: Error {}

        var asked: [[Int]] { state.withLock { $0.asked } }

        func ask(_ questions: [Int]) async throws -> [Int]? {
            await withCheckedContinuation { continuation in
                state.withLock {
                    $0.asked.append(questions)
                    $0.held.append(continuation)
                }
            }
            guard !fails(questions) else { throw Refusal() }
            return questions.map { $0 * 10 }
        }

        /// Answers the oldest of what is asked.
        func answer() {
            state.withLock { $0.held.isEmpty ? nil : $0.held.removeFirst() }?.resume()
        }
    }

    /// The first question is on its way, and the others wait for it.
    private func withWaiting(
        _ questions: ClosedRange<Int>, of database: Database, weightLimit: Int = 100,
        _ body: (SharedAsking<Int, Int>, [Task<Int?, Never>]) async throws -> Void
    ) async throws {
        let asking = SharedAsking(atOnce: 1, weightLimit: weightLimit, ask: database.ask)
        var tasks: [Task<Int?, Never>] = []
        for question in questions {
            tasks.append(Task { await asking.answer(to: question, weight: 1) })
            try await eventually {
                database.asked.first?.count == 1 && asking.waitingCount == tasks.count - 1
            }
        }
        try await body(asking, tasks)
    }

    @Test func whoComesMeanwhileIsAskedForTogetherAndEachGetsHisOwnAnswer() async throws {
        let database = Database()
        try await withWaiting(1...6, of: database) { asking, tasks in
            database.answer()
            #expect(await tasks[0].value == 10)
            try await eventually { database.asked.count == 2 }
            #expect(asking.waitingCount == 0)
            database.answer()
            for (place, task) in tasks.enumerated() {
                #expect(await task.value == (place + 1) * 10)
            }
            #expect(database.asked == [[1], [2, 3, 4, 5, 6]])
        }
    }

    @Test func nobodyIsAskedForWithMoreThanAStatementHolds() async throws {
        let database = Database()
        try await withWaiting(1...6, of: database, weightLimit: 2) { _, tasks in
            for count in 1...4 {
                try await eventually { database.asked.count == count }
                database.answer()
            }
            for (place, task) in tasks.enumerated() {
                #expect(await task.value == (place + 1) * 10)
            }
            #expect(database.asked == [[1], [2, 3], [4, 5], [6]])
        }
    }

    @Test func whatFailsTogetherIsNobodysAnswerAndTheNextAreAskedAllTheSame() async throws {
        let database = Database { $0.contains(3) }
        try await withWaiting(1...4, of: database, weightLimit: 2) { _, tasks in
            for count in 1...3 {
                try await eventually { database.asked.count == count }
                database.answer()
            }
            var answers: [Int?] = []
            for task in tasks { answers.append(await task.value) }
            #expect(answers == [10, nil, nil, 40])
        }
    }

    @Test func whoGoesTakesNobodyWithHim() async throws {
        let database = Database()
        try await withWaiting(1...3, of: database) { _, tasks in
            tasks[0].cancel()
            tasks[1].cancel()
            for count in 1...2 {
                try await eventually { database.asked.count == count }
                database.answer()
            }
            #expect(await tasks[2].value == 30)
        }
    }
}
