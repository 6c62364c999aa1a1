import Postgres
import TestSupport
import Testing

@Suite("The pool at work")
struct PoolTests {
    @Test("When all connections are in use, callers wait, and after their time give up")
    func exhaustion() async throws {
        try await withPool({
            $0.maximumConnections = 1
            $0.maximumWaiters = 1
            $0.waitTimeout = .milliseconds(50)
        }) { pool in
            try await pool.withConnection { _ in
                let error = try await postgresError { try await pool.withConnection { _ in } }
                #expect(error?.kind == .poolExhausted)
                #expect(error?.retryable == true)
            }
            try await pool.withConnection { _ = try await $0.query("SELECT 1") }
        }
    }

    @Test("More waiters than allowed are refused at once, and those who wait are served in order")
    func waiters() async throws {
        try await withPool({
            $0.maximumConnections = 1
            $0.maximumWaiters = 3
            $0.waitTimeout = .seconds(30)
        }) { pool in
            let order = Order()
            let tasks = try await pool.withConnection { _ in
                var tasks: [Task<Void, any Error>] = []
                for number in 0..<3 {
                    tasks.append(
                        Task { try await pool.withConnection { _ in await order.add(number) } })
                    // Each has to be in the queue before the next one comes.
                    try await eventually { pool.waiterCount == number + 1 }
                }
                let error = try await postgresError { try await pool.withConnection { _ in } }
                #expect(error?.kind == .poolExhausted)
                return tasks
            }
            for task in tasks { try await task.value }
            #expect(await order.numbers == [0, 1, 2])
        }
    }

    @Test("A waiter whose task is cancelled leaves the queue")
    func cancelledWaiter() async throws {
        try await withPool({
            $0.maximumConnections = 1
            $0.waitTimeout = .seconds(30)
        }) { pool in
            try await pool.withConnection { _ in
                let task = Task { try await pool.withConnection { _ in } }
                try await eventually { pool.waiterCount == 1 }
                task.cancel()
                let taskError = try await postgresError { try await task.value }
                #expect(taskError?.kind == .cancelled)
                #expect(pool.waiterCount == 0)
            }
            try await pool.withConnection { _ = try await $0.query("SELECT 1") }
        }
    }

    @Test("Many callers share few connections, and every one gets its turn")
    func crowd() async throws {
        try await withPool({
            $0.maximumConnections = 3
            $0.waitTimeout = .seconds(60)
        }) { pool in
            let processes = try await withThrowingTaskGroup(of: Int32.self) { group in
                for number in 0..<300 {
                    group.addTask {
                        try await pool.withTransaction { connection in
                            let row = try await connection.query(
                                "SELECT pg_backend_pid() AS pid, $1 AS v", [.int32(Int32(number))])[
                                    0]
                            #expect(try row.int32("v") == Int32(number))
                            return try row.int32("pid")
                        }
                    }
                }
                return try await group.reduce(into: [Int32]()) { $0.append($1) }
            }
            #expect(processes.count == 300)
            #expect(Set(processes).count <= 3)
        }
    }

    @Test("A killed connection ends in an error that may be retried, and the pool replaces it")
    func killed() async throws {
        try await withPool({ $0.maximumConnections = 2 }) { pool in
            let error = try await postgresError {
                try await pool.withConnection { connection in
                    try await terminate(connection, from: pool)
                    _ = try await connection.query("SELECT 1")
                }
            }
            #expect(error?.kind == .connection)
            #expect(error?.retryable == true)
            for _ in 0..<5 { try await pool.withConnection { _ = try await $0.query("SELECT 1") } }
        }
    }

    @Test("Idle connections that the server has ended are noticed before they are used")
    func killedWhileIdle() async throws {
        try await withPool({ $0.maximumConnections = 1 }) { pool in
            let process = try await pool.withConnection {
                try await $0.query("SELECT pg_backend_pid() AS v")[0].int32("v")
            }
            let other = try await PostgresConnection.connect(pool.configuration)
            try await other.execute("SELECT pg_terminate_backend($1)", [.int32(process)])
            try await eventually {
                try await other.query(
                    "SELECT 1 FROM pg_stat_activity WHERE pid = $1", [.int32(process)]
                )
                .isEmpty
            }
            await other.close()
            let successor = try await pool.withConnection {
                try await $0.query("SELECT pg_backend_pid() AS v")[0].int32("v")
            }
            #expect(successor != process)
        }
    }

    @Test("A connection that was idle for long is asked before it is used")
    func idleCheck() async throws {
        try await withPool({
            $0.maximumConnections = 1
            $0.idleCheckAfter = .zero
        }) { pool in
            for _ in 0..<3 { try await pool.withConnection { _ = try await $0.query("SELECT 1") } }
        }
    }

    @Test("A transaction that a caller leaves open is undone, not handed to the next")
    func leftOpen() async throws {
        try await withPool({ $0.maximumConnections = 1 }) { pool in
            try await pool.withConnection {
                try await $0.script("CREATE TABLE t (a int)")
                try await $0.script("BEGIN")
                try await $0.script("INSERT INTO t VALUES (1)")
            }
            let rows = try await pool.withConnection { try await $0.query("SELECT * FROM t") }
            #expect(rows.isEmpty)
        }
    }

    @Test("Shutting down refuses who comes and who waits, and lets who works finish")
    func shutdown() async throws {
        try await withPool({
            $0.maximumConnections = 1
            $0.waitTimeout = .seconds(30)
        }) { pool in
            let (waiter, shutdown) = try await pool.withConnection { connection in
                let waiter = Task { try await pool.withConnection { _ in } }
                try await eventually { pool.waiterCount == 1 }
                let shutdown = Task { await pool.shutdown(grace: .seconds(30)) }
                let waiterError = try await postgresError { try await waiter.value }
                #expect(waiterError?.kind == .poolClosed)
                _ = try await connection.query("SELECT 1")
                return (waiter, shutdown)
            }
            _ = waiter
            await shutdown.value
            let error = try await postgresError { try await pool.withConnection { _ in } }
            #expect(error?.kind == .poolClosed)
            #expect(error?.retryable == false)
        }
    }

    @Test("Shutting down waits no longer than it was given")
    func shutdownGrace() async throws {
        try await withPool { pool in
            try await pool.withConnection { connection in
                await pool.shutdown(grace: .milliseconds(20))
                _ = try await connection.query("SELECT 1")
            }
        }
    }

    @Test("A server that goes down and comes back costs errors that may be retried, no more")
    func restart() async throws {
        try await TestServer.with { server in
            var configuration = try PostgresConfiguration(url: server.url)
            configuration.maximumConnections = 3
            let pool = PostgresPool(configuration: configuration)
            try await pool.withConnection {
                try await $0.script("CREATE TABLE t (a int); INSERT INTO t VALUES (7)")
            }
            for crashing in [false, true] {
                let asleep = Task {
                    try await pool.withConnection { try await $0.query("SELECT pg_sleep(55)") }
                }
                try await eventually {
                    try await pool.withConnection {
                        try await $0.query(
                            "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%sleep(55)' AND state = 'active'"
                        ).count
                    } == 1
                }
                try await server.pause(crashing: crashing)
                let asleepError = try await postgresError { try await asleep.value }
                #expect(asleepError?.kind == .connection)
                for _ in 0..<5 {
                    let error = try await postgresError { try await pool.withConnection { _ in } }
                    #expect(error?.kind == .connection)
                    #expect(error?.retryable == true)
                }
                try await server.resume()
                for _ in 0..<5 {
                    let rows = try await pool.withConnection {
                        try await $0.query("SELECT a FROM t")
                    }
                    #expect(try rows[0].int32("a") == 7)
                }
            }
            await pool.shutdown()
        }
    }
}

private actor Order {
    private(set) var numbers: [Int] = []
    func add(_ number: Int) { numbers.append(number) }
}
