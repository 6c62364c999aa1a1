import Crawler
import Failures
import Synchronization
import Testing

/// What is asked at the same time travels together, and each gets its own answer.
@Suite struct GatheringTests {
    /// Work that waits until it may end, and notes its batches.
    private final class Bench: Sendable {
        private let state = Mutex<(batches: [[Int]], isOpen: Bool)>(([], false))

        var batches: [[Int]] { state.withLock { $0.batches } }

        func open() { state.withLock { $0.isOpen = true } }

        func work(_ requests: [Int]) async throws -> [Int] {
            state.withLock { $0.batches.append(requests) }
            while !state.withLock({ $0.isOpen }) {
                try await Task.sleep(for: .milliseconds(1))
            }
            return requests.map { $0 * 10 }
        }
    }

    private struct Refusal: Failure, Equatable {
        let retryable: Bool
        var code: String { "test.refused" }
        var operation: String { "test" }
        var publicText: String { "refused" }
    }

    @Test(.timeLimit(.minutes(10)))
    func whatComesWhileABatchIsUnderWayGoesWithTheNext() async throws {
        let bench = Bench()
        let gathering = Gathering<Int, Int>(workers: 1, weightLimit: 100) {
            try await bench.work($0)
        }
        let answers = try await withThrowingTaskGroup(of: (Int, Int).self) { group in
            group.addTask { (0, try await gathering.answer(to: 0)) }
            try await eventually("the first is under way") { bench.batches == [[0]] }
            for request in 1...40 {
                group.addTask { (request, try await gathering.answer(to: request)) }
            }
            try await eventually("all wait") { await gathering.waitingCount == 40 }
            bench.open()
            var answers: [Int: Int] = [:]
            for try await (request, answer) in group { answers[request] = answer }
            return answers
        }
        #expect(answers == Dictionary(uniqueKeysWithValues: (0...40).map { ($0, $0 * 10) }))
        #expect(bench.batches.map(\.count) == [1, 40])
    }

    @Test(.timeLimit(.minutes(10)))
    func aBatchWeighsNoMoreThanItMay() async throws {
        let bench = Bench()
        let gathering = Gathering<Int, Int>(workers: 1, weightLimit: 10, weight: { $0 }) {
            try await bench.work($0)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { _ = try await gathering.answer(to: 1) }
            try await eventually("the first is under way") { !bench.batches.isEmpty }
            for (number, weight) in [4, 6, 1, 50, 3].enumerated() {
                group.addTask { _ = try await gathering.answer(to: weight) }
                try await eventually("it waits") { await gathering.waitingCount == number + 1 }
            }
            bench.open()
            try await group.waitForAll()
        }
        #expect(bench.batches == [[1], [4, 6], [1], [50], [3]])
    }

    @Test(.timeLimit(.minutes(10)))
    func aBatchBeginsBesideAnotherOnlyWhenItIsWorthIt() async throws {
        let bench = Bench()
        let gathering = Gathering<Int, Int>(workers: 2, weightLimit: 100, enough: 3) {
            try await bench.work($0)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { _ = try await gathering.answer(to: 1) }
            try await eventually("the first is under way") { bench.batches == [[1]] }
            for (number, request) in [2, 3].enumerated() {
                group.addTask { _ = try await gathering.answer(to: request) }
                try await eventually("it waits") { await gathering.waitingCount == number + 1 }
            }
            #expect(bench.batches == [[1]])
            group.addTask { _ = try await gathering.answer(to: 4) }
            try await eventually("three go together") { bench.batches == [[1], [2, 3, 4]] }
            bench.open()
            try await group.waitForAll()
        }
    }

    @Test func oneRequestThatCannotBeAnsweredFailsAlone() async throws {
        let gate = Bench()
        let gathering = Gathering<Int, Int>(workers: 1, weightLimit: 100) { requests in
            _ = try await gate.work(requests)
            if requests.contains(3) { throw Refusal(retryable: false) }
            return requests
        }
        let results = try await Self.results(of: [0, 1, 2, 3, 4], gathering, gate)
        let answered = results.compactMapValues { try? $0.get() }
        #expect(answered == [0: 0, 1: 1, 2: 2, 4: 4])
        #expect(throws: Refusal(retryable: false)) { try results[3]?.get() }
    }

    @Test func whatARepetitionMayMendFailsForAll() async throws {
        let gate = Bench()
        let gathering = Gathering<Int, Int>(workers: 1, weightLimit: 100) { requests in
            _ = try await gate.work(requests)
            if requests.contains(3) { throw Refusal(retryable: true) }
            return requests
        }
        let results = try await Self.results(of: [0, 1, 2, 3, 4], gathering, gate)
        #expect(results.compactMapValues { try? $0.get() } == [0: 0])
        for request in 1...4 {
            #expect(throws: Refusal(retryable: true)) { try results[request]?.get() }
        }
    }

    /// The first goes alone, the others together.
    private static func results(
        of requests: [Int], _ gathering: Gathering<Int, Int>, _ bench: Bench
    ) async throws -> [Int: Result<Int, any Error>] {
        try await withThrowingTaskGroup(of: (Int, Result<Int, any Error>).self) { group in
            for (number, request) in requests.enumerated() {
                group.addTask {
                    let result: Result<Int, any Error>
                    do {
                        result = .success(try await gathering.answer(to: request))
                    } catch {
                        result = .failure(error)
                    }
                    return (request, result)
                }
                if number == 0 {
                    try await eventually("it is under way") { !bench.batches.isEmpty }
                }
            }
            try await eventually("the others wait") {
                await gathering.waitingCount == requests.count - 1
            }
            bench.open()
            var results: [Int: Result<Int, any Error>] = [:]
            for try await (request, result) in group { results[request] = result }
            return results
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func whoIsCancelledLeavesAndTheOthersAreAnswered() async throws {
        let bench = Bench()
        let gathering = Gathering<Int, Int>(workers: 1, weightLimit: 100) {
            try await bench.work($0)
        }
        let first = Task { try await gathering.answer(to: 1) }
        try await eventually("the first is under way") { !bench.batches.isEmpty }
        let second = Task { try await gathering.answer(to: 2) }
        let third = Task { try await gathering.answer(to: 3) }
        try await eventually("two wait") { await gathering.waitingCount == 2 }
        second.cancel()
        await #expect(throws: CancellationError.self) { try await second.value }
        bench.open()
        #expect(try await first.value == 10)
        #expect(try await third.value == 30)
        #expect(bench.batches == [[1], [3]])
    }

    @Test(.timeLimit(.minutes(10)))
    func aBatchThatNobodyWaitsForIsCancelled() async throws {
        let bench = Bench()
        let gathering = Gathering<Int, Int>(workers: 1, weightLimit: 100) {
            try await bench.work($0)
        }
        let only = Task { try await gathering.answer(to: 1) }
        try await eventually("it is under way") { !bench.batches.isEmpty }
        only.cancel()
        await #expect(throws: CancellationError.self) { try await only.value }
    }
}
