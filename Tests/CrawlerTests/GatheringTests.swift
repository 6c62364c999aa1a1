import Archive
import Crawler
import Failures
import Testing

/// What is asked at the same time travels together, and each gets its own answer.
@Suite struct GatheringTests {
    /// Batches by their turns.
    private final class Bench {
        private var gathering: Gathering<Int>

        init(_ gathering: Gathering<Int>) { self.gathering = gathering }

        var count: Int { gathering.count }

        func add(_ request: Int, weight: Int = 1, of turn: Int) {
            gathering.add(request, weight: weight, of: turn)
        }

        func batch() -> [Gathering<Int>.Entry]? { gathering.next() }

        func next() -> [Int]? { batch()?.map(\.asker) }

        func ended() { gathering.ended() }

        func remove(_ turn: Int) { gathering.remove(turn) }
    }

    @Test func whatComesWhileABatchIsUnderWayGoesWithTheNext() {
        let gathering = Bench(Gathering(atOnce: 1, weightLimit: 100))
        gathering.add(0, of: 0)
        #expect(gathering.next() == [0])
        for turn in 1...40 { gathering.add(turn * 10, of: turn) }
        #expect(gathering.next() == nil)
        #expect(gathering.count == 40)
        gathering.ended()
        let batch = gathering.batch()
        #expect(batch?.map(\.asker) == Array(1...40))
        #expect(batch?.map(\.request) == (1...40).map { $0 * 10 })
        #expect(gathering.count == 0)
    }

    @Test func aBatchWeighsNoMoreThanItMay() {
        let gathering = Bench(Gathering(atOnce: 1, weightLimit: 10))
        for (turn, weight) in [4, 4, 4, 30, 1].enumerated() {
            gathering.add(0, weight: weight, of: turn)
        }
        var batches: [[Int]] = []
        while let batch = gathering.next() {
            batches.append(batch)
            gathering.ended()
        }
        // One alone may weigh more.
        #expect(batches == [[0, 1], [2], [3], [4]])
    }

    @Test func aBatchBeginsBesideAnotherOnlyWithEnough() {
        let gathering = Bench(Gathering(atOnce: 2, weightLimit: 100, enough: 3))
        gathering.add(0, of: 1)
        #expect(gathering.next() == [1])
        gathering.add(0, of: 2)
        gathering.add(0, of: 3)
        #expect(gathering.next() == nil)
        gathering.add(0, of: 4)
        #expect(gathering.next() == [2, 3, 4])
        for turn in 5...9 { gathering.add(0, of: turn) }
        #expect(gathering.next() == nil)
        gathering.ended()
        #expect(gathering.next() == Array(5...9))
    }

    @Test func aTurnThatEndedAsksForNothing() {
        let gathering = Bench(Gathering(atOnce: 1, weightLimit: 100))
        for turn in 1...3 { gathering.add(0, of: turn) }
        gathering.remove(2)
        #expect(gathering.next() == [1, 3])
        gathering.remove(1)
        gathering.ended()
        #expect(gathering.next() == nil)
    }

    private struct Refusal: Failure, Equatable {
        let retryable: Bool
        var code: String { "test.refused" }
        var operation: String { "test" }
        var publicText: String { "refused" }
    }

    @Test func oneRequestThatCannotBeAnsweredFailsAlone() async {
        var calls: [[Int]] = []
        let results = await Together.answers(to: [0, 1, 2, 3, 4]) { requests in
            calls.append(requests)
            if requests.contains(3) { throw Refusal(retryable: false) }
            return requests.map { $0 * 10 }
        }
        #expect(results.map { try? $0.get() } == [0, 10, 20, nil, 40])
        #expect(throws: Refusal(retryable: false)) { try results[3].get() }
        #expect(calls == [[0, 1, 2, 3, 4], [0], [1], [2], [3], [4]])
    }

    @Test func whatARepetitionMayMendFailsForAll() async {
        var calls = 0
        let results: [Result<Int, any Error>] = await Together.answers(to: [1, 2, 3]) { _ in
            calls += 1
            throw Refusal(retryable: true)
        }
        #expect(results.count == 3)
        for result in results {
            #expect(throws: Refusal(retryable: true)) { try result.get() }
        }
        #expect(calls == 1)
    }

    @Test func answersThatAreMissingAreNobodys() async {
        let results = await Together.answers(to: [1, 2, 3]) { $0.dropLast().map { $0 } }
        #expect(results.count == 3)
        #expect(results.allSatisfy { (try? $0.get()) == nil })
    }
}

/// Few looks at a time hold many transactions, and none waits for ever.
@Suite struct FloodGateTests {
    private final class Bench {
        private var gate: FloodGate

        init(_ gate: FloodGate) { self.gate = gate }

        func admits(_ turn: Int, count: Int) -> Bool { gate.admits(turn, count: count) }

        func leave(_ turn: Int) { gate.leave(turn) }

        func next() -> Int? { gate.next() }
    }

    @Test func fewLooksAtATimeFetchMuch() {
        let gate = Bench(FloodGate(atOnce: 2, few: 100))
        #expect(gate.admits(1, count: 100))
        #expect(gate.admits(1, count: 101))
        #expect(gate.admits(2, count: 500))
        #expect(!gate.admits(3, count: 500))
        #expect(!gate.admits(4, count: 500))
        // Who is through goes on, and few are always let through.
        #expect(gate.admits(2, count: 1000))
        #expect(gate.admits(5, count: 3))
        #expect(gate.next() == nil)
        gate.leave(1)
        #expect(gate.next() == 3)
        #expect(gate.next() == nil)
        gate.leave(2)
        #expect(gate.next() == 4)
        gate.leave(3)
        gate.leave(4)
        #expect(gate.next() == nil)
    }

    @Test func whoWaitsAndEndsIsNotLetThrough() {
        let gate = Bench(FloodGate(atOnce: 1, few: 0))
        #expect(gate.admits(1, count: 1))
        #expect(!gate.admits(2, count: 1))
        #expect(!gate.admits(3, count: 1))
        gate.leave(2)
        gate.leave(1)
        #expect(gate.next() == 3)
        #expect(gate.next() == nil)
    }
}
