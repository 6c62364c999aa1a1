import Synchronization

/// A bounded number of connections, lent to one caller at a time, first come, first served.
///
/// Connections are opened when needed, looked at before each use, and replaced when broken.
/// Nothing is retried here: after `.connection`, `.poolExhausted` or `.serialization` it is the
/// caller who knows whether to repeat.
package final class PostgresPool: Sendable {
    /// What a connection that was opened has to pass before it is lent.
    package typealias Welcome = @Sendable (PostgresConnection) async throws -> Void

    package let configuration: PostgresConfiguration
    private let welcome: Welcome?
    private let shared: Mutex<Shared>

    private struct Waiter {
        let continuation: CheckedContinuation<Result<PoolState.Grant, PostgresError>, Never>
        let deadline: Task<Void, Never>
    }

    private struct Shared {
        var state: PoolState
        var connections: [PoolState.ConnectionID: PostgresConnection] = [:]
        var waiters: [PoolState.WaiterID: Waiter] = [:]
        /// Who waits in `shutdown` for the last connection to come back.
        var drainers: [UInt64: CheckedContinuation<Void, Never>] = [:]
        private var lastID: UInt64 = 0

        init(state: PoolState) { self.state = state }

        mutating func freshID() -> UInt64 {
            lastID &+= 1
            return lastID
        }
    }

    private struct Lease {
        let id: PoolState.ConnectionID
        let connection: PostgresConnection
    }

    /// Opens nothing yet.
    /// - Parameter welcome: called with every connection that is opened; where it throws, the
    ///   connection is closed, and whoever wanted it gets the error.
    package init(configuration: PostgresConfiguration, welcome: Welcome? = nil) {
        self.configuration = configuration
        self.welcome = welcome
        shared = Mutex(
            Shared(
                state: PoolState(
                    capacity: configuration.maximumConnections,
                    waiterLimit: configuration.maximumWaiters)))
    }

    /// Lends a connection to `body`, which runs where the caller runs. A transaction that
    /// `body` leaves open is undone by closing the connection.
    /// - Throws: `.poolExhausted`, `.poolClosed`, `.cancelled`, why no connection could be
    ///   opened or welcomed, or what `body` throws.
    @discardableResult
    package nonisolated(nonsending) func withConnection<Value>(
        _ body: nonisolated(nonsending) (PostgresConnection) async throws -> Value
    ) async throws -> Value {
        let lease = try await lease()
        do {
            let value = try await body(lease.connection)
            await giveBack(lease)
            return value
        } catch {
            await giveBack(lease)
            throw error
        }
    }

    /// Runs one statement on a connection that is lent for it alone, and returns its rows: as
    /// `withConnection` would, with one turn of the connection's thread where that takes three.
    /// - Throws: as `withConnection` and `PostgresConnection.query`.
    package func query(
        _ sql: String, _ parameters: [PostgresValue] = []
    ) async throws -> [PostgresRow] {
        var (lease, asking) = try await unseenLease()
        var turn = await lease.connection.onlyQuery(sql, parameters, lookingFirst: asking)
        if turn == nil {
            lease = try await replaced(lease)
            turn = await lease.connection.onlyQuery(sql, parameters, lookingFirst: nil)
        }
        await giveBack(lease, reusable: turn?.isReusable ?? false)
        return try turn?.result.get() ?? []
    }

    /// Runs `body` in a transaction: committed when it returns, rolled back when it throws or
    /// its task is cancelled.
    /// - Parameters:
    ///   - isolation: nil for the server's default.
    ///   - statementTimeout: for this transaction instead of the configured one; `.zero`: none.
    /// - Throws: as `withConnection`; `.commitUnknown` when the connection was lost during
    ///   COMMIT; `.transactionAborted` when `body` swallowed a statement's error.
    @discardableResult
    package nonisolated(nonsending) func withTransaction<Value>(
        readOnly: Bool = false, isolation: TransactionIsolation? = nil,
        statementTimeout: Duration? = nil,
        _ body: nonisolated(nonsending) (PostgresConnection) async throws -> Value
    ) async throws -> Value {
        try await withConnection { connection in
            try await connection.withTransaction(
                readOnly: readOnly, isolation: isolation, statementTimeout: statementTimeout, body)
        }
    }

    /// Refuses new callers and those who wait, closes idle connections, and returns when the
    /// last connection in use has come back, or after `grace`; one that comes later is closed.
    package func shutdown(grace: Duration = .seconds(10)) async {
        let (waiters, idle) = shared.withLock { shared in
            let closed = shared.state.close()
            return (
                closed.waiters.compactMap { shared.waiters.removeValue(forKey: $0) },
                closed.idle.compactMap { shared.connections.removeValue(forKey: $0) }
            )
        }
        for waiter in waiters {
            resume(waiter, .failure(PostgresError(.poolClosed, operation: "wait for connection")))
        }
        for connection in idle { await connection.close() }
        let id = shared.withLock { $0.freshID() }
        let deadline = Task {
            // Cut short by cancellation when the last connection is back: then nobody waits.
            try? await Task.sleep(for: grace)
            shared.withLock { $0.drainers.removeValue(forKey: id) }?.resume()
        }
        await withCheckedContinuation { continuation in
            let drained = shared.withLock { shared in
                if shared.state.inUse == 0 { return true }
                shared.drainers[id] = continuation
                return false
            }
            if drained { continuation.resume() }
        }
        deadline.cancel()
    }

    /// How many callers wait for a connection now.
    package var waiterCount: Int { shared.withLock { $0.state.waiterCount } }

    private func lease() async throws -> Lease {
        let (lease, asking) = try await unseenLease()
        guard let asking else { return lease }
        return await lease.connection.isAlive(asking: asking) ? lease : try await replaced(lease)
    }

    /// One that still has to be looked at, and whether the server has to be asked for that; nil
    /// for one that was just opened.
    private func unseenLease() async throws -> (Lease, asking: Bool?) {
        guard case .connection(let id, let idleSince) = try await grant(),
            let connection = shared.withLock({ $0.connections[id] })
        else { return (try await openInSlot(), nil) }
        return (
            Lease(id: id, connection: connection),
            ContinuousClock.now - idleSince > configuration.idleCheckAfter
        )
    }

    /// Another one for one that does not work.
    private func replaced(_ lease: Lease) async throws -> Lease {
        await lease.connection.close()
        shared.withLock { $0.connections[lease.id] = nil }
        return try await openInSlot()
    }

    private func openInSlot() async throws -> Lease {
        do {
            let connection = try await PostgresConnection.connect(configuration)
            if let welcome {
                do {
                    try await welcome(connection)
                } catch {
                    await connection.close()
                    throw error
                }
            }
            let id = shared.withLock { shared in
                let id = shared.freshID()
                shared.connections[id] = connection
                return id
            }
            return Lease(id: id, connection: connection)
        } catch {
            settle { $0.giveBackSlot() }
            throw error
        }
    }

    private func giveBack(_ lease: Lease) async {
        await giveBack(lease, reusable: lease.connection.isReusable)
    }

    private func giveBack(_ lease: Lease, reusable: Bool) async {
        let release = settle {
            $0.giveBack(lease.id, reusable: reusable, now: .now)
        }
        switch release {
        case .kept, .handOver: break
        case .close, .closeAndHandOver:
            shared.withLock { $0.connections[lease.id] = nil }
            await lease.connection.close()
        }
    }

    /// Applies a step of the state machine and wakes whom it names.
    @discardableResult
    private func settle(_ step: (inout PoolState) -> PoolState.Release) -> PoolState.Release {
        let (release, waiter, grant, drainers) = shared.withLock { shared in
            let release = step(&shared.state)
            var waiter: Waiter?
            var grant = PoolState.Grant.slot
            switch release {
            case .kept, .close: break
            case .handOver(let id, let handed):
                waiter = shared.waiters.removeValue(forKey: id)
                grant = handed
            case .closeAndHandOver(let id): waiter = shared.waiters.removeValue(forKey: id)
            }
            var drainers: [CheckedContinuation<Void, Never>] = []
            if shared.state.isClosed, shared.state.inUse == 0 {
                drainers = Array(shared.drainers.values)
                shared.drainers = [:]
            }
            return (release, waiter, grant, drainers)
        }
        if let waiter { resume(waiter, .success(grant)) }
        drainers.forEach { $0.resume() }
        return release
    }

    private func grant() async throws(PostgresError) -> PoolState.Grant {
        let id = shared.withLock { $0.freshID() }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                request(id, continuation)
                // A cancellation before the request found nobody to wake.
                if Task.isCancelled { withdraw(id, .cancelled) }
            }
        } onCancel: {
            withdraw(id, .cancelled)
        }
        return try result.get()
    }

    private func request(
        _ id: PoolState.WaiterID,
        _ continuation: CheckedContinuation<Result<PoolState.Grant, PostgresError>, Never>
    ) {
        let answer: Result<PoolState.Grant, PostgresError>? = shared.withLock { shared in
            switch shared.state.request(id) {
            case .granted(let grant): return .success(grant)
            case .full: return .failure(Self.exhausted("too many callers wait"))
            case .closed:
                return .failure(PostgresError(.poolClosed, operation: "wait for connection"))
            case .queued:
                let deadline = Task { [configuration] in
                    do { try await Task.sleep(for: configuration.waitTimeout) } catch { return }
                    withdraw(id, .poolExhausted)
                }
                shared.waiters[id] = Waiter(continuation: continuation, deadline: deadline)
                return nil
            }
        }
        if let answer { continuation.resume(returning: answer) }
    }

    private func withdraw(_ id: PoolState.WaiterID, _ kind: PostgresError.Kind) {
        let waiter = shared.withLock { shared in
            shared.state.withdraw(id) ? shared.waiters.removeValue(forKey: id) : nil
        }
        guard let waiter else { return }
        let error =
            kind == .poolExhausted
            ? Self.exhausted("every connection is in use")
            : PostgresError(kind, operation: "wait for connection")
        resume(waiter, .failure(error))
    }

    private func resume(_ waiter: Waiter, _ result: Result<PoolState.Grant, PostgresError>) {
        waiter.deadline.cancel()
        waiter.continuation.resume(returning: result)
    }

    private static func exhausted(_ detail: String) -> PostgresError {
        PostgresError(.poolExhausted, operation: "wait for connection", detail: detail)
    }
}
