import Synchronization

/// How one question goes to one or several nodes.
extension NodePool {
    /// Whether a node that gave this answer is well.
    typealias Judgement<Value> = @Sendable (Value) -> Bool

    /// The answer of one node after the other until one gives it; where that takes long, or another
    /// one's that is asked meanwhile, whichever comes first.
    func answer<Value: Sendable>(
        judging: @escaping Judgement<Value> = { _ in true },
        _ operation: @escaping @Sendable (NodeClient) async throws -> Value
    ) async throws -> (node: Int, value: Value) {
        guard clients.count > 1 else { return try await inTurn(judging, operation, Mutex([])) }
        let asked = Questions()
        return try await withThrowingTaskGroup(of: Way<Value>.self) { group in
            group.addTask {
                let result: Result<(node: Int, value: Value), any Error>
                do {
                    let found = try await self.inTurn(judging, operation, asked.nodes)
                    result = .success(found)
                } catch {
                    result = .failure(error)
                }
                return .first(result)
            }
            group.addTask { .second(await self.hedge(judging, operation, asked)) }
            defer { group.cancelAll() }
            var failure: (any Error)?
            while let way = try await group.next() {
                switch way {
                case .first(.success(let found)), .second(let found?): return found
                case .first(.failure(let error)):
                    // A second question that is under way may still be answered.
                    guard asked.isHedged.withLock({ $0 }) else { throw error }
                    failure = error
                case .second(nil):
                    if let failure { throw failure }
                }
            }
            throw failure ?? NodeError(.noNodeAvailable, operation: "choose a node", endpoint: nil)
        }
    }

    /// What one call has asked.
    private final class Questions: Sendable {
        let nodes = Mutex<Set<Int>>([])
        let isHedged = Mutex(false)
    }

    private enum Way<Value: Sendable>: Sendable {
        case first(Result<(node: Int, value: Value), any Error>)
        /// Nil where nobody else was asked, or did not answer.
        case second((node: Int, value: Value)?)
    }

    private func inTurn<Value: Sendable>(
        _ judging: Judgement<Value>,
        _ operation: @Sendable (NodeClient) async throws -> Value,
        _ asked: borrowing Mutex<Set<Int>>
    ) async throws -> (node: Int, value: Value) {
        var call = NodeSelection.Call()
        var lastError: NodeError?
        while true {
            switch selection.withLock({ $0.next(for: &call, at: ContinuousClock.now - start) }) {
            case .use(let node):
                asked.withLock { _ = $0.insert(node) }
                do {
                    return (node, try await ask(node, judging: judging, operation))
                } catch let error as NodeError {
                    if error.fault == .caller { throw error }
                    if error.fault == .request || !error.retryable { call.excluded.insert(node) }
                    lastError = error
                }
            case .wait(let pause):
                try await Task.sleep(for: pause)
            case .giveUp:
                throw lastError
                    ?? NodeError(.noNodeAvailable, operation: "choose a node", endpoint: nil)
            }
        }
    }

    /// Asks a node that was not asked yet, once the call has taken long.
    private func hedge<Value: Sendable>(
        _ judging: Judgement<Value>,
        _ operation: @Sendable (NodeClient) async throws -> Value, _ asked: Questions
    ) async -> (node: Int, value: Value)? {
        guard (try? await Task.sleep(for: policy.hedgeAfter)) != nil else { return nil }
        let isAdmitted = hedges.withLock { count in
            guard count < policy.maximumHedges else { return false }
            count += 1
            return true
        }
        guard isAdmitted else { return nil }
        defer { hedges.withLock { $0 -= 1 } }
        guard let node = take(excluding: asked.nodes.withLock { $0 }) else { return nil }
        asked.isHedged.withLock { $0 = true }
        guard let value = try? await ask(node, judging: judging, operation) else { return nil }
        return (node, value)
    }

    /// Up to `count` usable nodes at the same time, each once, answers in the order of choice. Once
    /// one has answered the others are waited for with `joiningPatience`, so that one that stalls
    /// holds up little, and cools down like one that fails.
    func askAtOnce<Value: Sendable>(
        _ count: Int, _ operation: @escaping @Sendable (NodeClient) async throws -> Value
    ) async throws -> [(node: Int, answer: Result<Value, NodeError>)] {
        var taken: [Int] = []
        while taken.count < count, let node = take(excluding: Set(taken)) { taken.append(node) }
        let nodes = taken
        var answers: [Int: Result<Value, NodeError>] = [:]
        try await withThrowingTaskGroup(of: (Int, Result<Value, NodeError>)?.self) { group in
            for node in nodes {
                group.addTask {
                    let result: Result<Value, NodeError>
                    do {
                        let value = try await self.ask(node, operation)
                        result = .success(value)
                    } catch let error as NodeError {
                        result = .failure(error)
                    }
                    return (node, result)
                }
            }
            defer { group.cancelAll() }
            var isTimed = false
            while answers.count < nodes.count, let event = try await group.next() {
                guard let (node, result) = event else { return }
                answers[node] = result
                if case .success = result, !isTimed {
                    isTimed = true
                    group.addTask {
                        try await Task.sleep(for: self.policy.joiningPatience)
                        return nil
                    }
                }
            }
        }
        try Task.checkCancellation()
        for node in nodes where answers[node] == nil { blame(node) }
        return nodes.map { node in
            let late = NodeError(
                .timedOut, operation: "ask several nodes", endpoint: clients[node].endpoint)
            return (node, answers[node] ?? .failure(late))
        }
    }

    func take(excluding excluded: Set<Int>) -> Int? {
        selection.withLock { $0.take(excluding: excluded, at: ContinuousClock.now - start) }
    }

    private func blame(_ node: Int) {
        var generator = SystemRandomNumberGenerator()
        selection.withLock { $0.blame(node, at: .now - start, using: &generator) }
    }

    /// Asks a node that was taken, and reports how it went.
    func ask<Value: Sendable>(
        _ node: Int, judging: Judgement<Value> = { _ in true },
        _ operation: @Sendable (NodeClient) async throws -> Value
    ) async throws -> Value {
        let asked = ContinuousClock.now
        do {
            let value = try await operation(clients[node])
            selection.withLock { selection in
                if judging(value) {
                    selection.succeeded(node, after: .now - asked)
                } else {
                    var generator = SystemRandomNumberGenerator()
                    selection.failed(node, at: .now - start, using: &generator)
                }
            }
            return value
        } catch {
            selection.withLock { selection in
                switch (error as? NodeError)?.fault {
                case .node:
                    var generator = SystemRandomNumberGenerator()
                    selection.failed(node, at: ContinuousClock.now - start, using: &generator)
                case .request: selection.succeeded(node, after: .now - asked)
                case .caller: selection.left(node)
                case nil: selection.left(node, after: .now - asked)
                }
            }
            throw error
        }
    }
}
