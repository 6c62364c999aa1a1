import Failures

/// Answers what several tasks ask at the same time in batches: while one batch is worked on, the
/// next one gathers. Nobody waits for time to pass: a request that finds a worker free goes as soon
/// as those have asked who were about to.
///
/// Every request waits until its batch has ended, so whoever waits for all who ask waits for the
/// work, too. A task that is cancelled leaves a batch that gathers; one under way is cancelled when
/// all who asked are.
package actor Gathering<Request: Sendable, Answer: Sendable> {
    package typealias Work = @Sendable ([Request]) async throws -> [Answer]

    private struct Waiting {
        let id: Int
        let request: Request
        let weight: Int
        let continuation: CheckedContinuation<Answer, any Error>
    }

    /// A batch under way.
    private struct Batch {
        let task: Task<Void, Never>
        /// Who asked and was not cancelled since.
        var interested: Set<Int>
    }

    private let workers: Int
    private let weightLimit: Int
    private let enough: Int
    private let weigh: @Sendable (Request) -> Int
    private let work: Work
    private var waiting: [Waiting] = []
    private var batches: [Int: Batch] = [:]
    /// A batch is about to take what waits then.
    private var isStarting = false
    private var lastID = 0

    /// - Parameters:
    ///   - workers: batches under way at the same time.
    ///   - weightLimit: what the requests of a batch weigh together at most; one request alone may
    ///     weigh more.
    ///   - enough: what the requests of a batch weigh at least that begins beside another; a
    ///     batch that finds all workers free has no company to wait for.
    ///   - weight: of one request.
    ///   - work: gives one answer a request, in their order. Where it throws for several and repeating
    ///     would not help, it is called for each alone, so that one request does not make the others
    ///     fail. It must not mind being called again.
    package init(
        workers: Int, weightLimit: Int, enough: Int = 1,
        weight: @escaping @Sendable (Request) -> Int = { _ in 1 }, work: @escaping Work
    ) {
        self.workers = max(1, workers)
        self.weightLimit = weightLimit
        self.enough = enough
        weigh = weight
        self.work = work
    }

    /// Requests that no batch has taken yet.
    package var waitingCount: Int { waiting.count }

    /// - Throws: what the work throws; `CancellationError`.
    package func answer(to request: Request) async throws -> Answer {
        try Task.checkCancellation()
        lastID += 1
        let id = lastID
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                waiting.append(
                    Waiting(
                        id: id, request: request, weight: weigh(request),
                        continuation: continuation))
                startBatch()
            }
        } onCancel: {
            Task { await self.leave(id) }
        }
    }

    private var canStart: Bool {
        guard batches.count < workers, !waiting.isEmpty else { return false }
        if batches.isEmpty || enough <= 1 { return true }
        var weight = 0
        return waiting.contains { entry in
            weight += entry.weight
            return weight >= enough
        }
    }

    /// In a task outside of the actor, which comes after those that run already: what they ask
    /// goes along.
    private func startBatch() {
        guard !isStarting, canStart else { return }
        isStarting = true
        Task { @concurrent in await beginBatch() }
    }

    private func beginBatch() {
        isStarting = false
        guard canStart else { return }
        let batch = takeBatch()
        lastID += 1
        let number = lastID
        let requests = batch.map(\.request)
        // It runs when this method has left the actor, so the batch is noted before it ends.
        let task = Task {
            let answers = await answers(to: requests)
            finish(number, batch, answers)
        }
        batches[number] = Batch(task: task, interested: Set(batch.map(\.id)))
        startBatch()
    }

    private func takeBatch() -> [Waiting] {
        var weight = 0
        var count = 0
        for entry in waiting {
            weight += entry.weight
            if count > 0, weight > weightLimit { break }
            count += 1
        }
        let batch = Array(waiting.prefix(count))
        waiting.removeFirst(count)
        return batch
    }

    @concurrent private nonisolated func answers(to requests: [Request]) async -> [Result<
        Answer, any Error
    >] {
        do {
            let answers = try await work(requests)
            if answers.count == requests.count { return answers.map { .success($0) } }
            return requests.map { _ in .failure(GatheringError.answersMissing) }
        } catch {
            let isForAll = requests.count == 1 || (error as? any Failure)?.retryable ?? true
            guard !isForAll else { return requests.map { _ in .failure(error) } }
            var results: [Result<Answer, any Error>] = []
            for request in requests { results += await answers(to: [request]) }
            return results
        }
    }

    private func finish(_ number: Int, _ batch: [Waiting], _ answers: [Result<Answer, any Error>]) {
        batches[number] = nil
        for (entry, answer) in zip(batch, answers) { entry.continuation.resume(with: answer) }
        startBatch()
    }

    private func leave(_ id: Int) {
        if let index = waiting.firstIndex(where: { $0.id == id }) {
            waiting.remove(at: index).continuation.resume(throwing: CancellationError())
            return
        }
        for number in batches.keys where batches[number]?.interested.remove(id) != nil {
            if batches[number]?.interested.isEmpty ?? false { batches[number]?.task.cancel() }
        }
    }
}

/// A batch was answered with another number of answers than it had requests.
enum GatheringError: Failure {
    case answersMissing

    var code: String { "crawl.answers-missing" }
    var operation: String { "answer a batch" }
    var publicText: String { "a batch was not answered as it should" }
}
