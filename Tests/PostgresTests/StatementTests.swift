import Postgres
import TestSupport
import Testing

@Suite("Statements on one connection")
struct StatementTests {
    @Test("execute tells how many rows it touched, query gives them back")
    func counts() async throws {
        try await withConnection { connection in
            try await connection.script("CREATE TABLE t (id int PRIMARY KEY, v text); SELECT 1")
            let inserted = try await connection.execute(
                "INSERT INTO t SELECT i, 'v' || i FROM unnest($1) AS i",
                [.int32Array([1, 2, 3])])
            #expect(inserted == 3)
            #expect(try await connection.execute("DELETE FROM t WHERE id > $1", [.int32(9)]) == 0)
            let rows = try await connection.query(
                "UPDATE t SET v = $2 WHERE id >= $1 RETURNING id, v", [.int32(2), .text("x")])
            #expect(try rows.map { try $0.int32("id") } == [2, 3])
            #expect(try rows.map { try $0.text("v") } == ["x", "x"])
            #expect(try await connection.execute("SELECT * FROM t") == 3)
        }
    }

    @Test("Violated constraints are told by name, and by no value")
    func constraints() async throws {
        try await withConnection { connection in
            try await connection.script(
                """
                CREATE TABLE parent (id text CONSTRAINT parent_key PRIMARY KEY);
                CREATE TABLE child (
                    parent text NOT NULL CONSTRAINT child_parent REFERENCES parent,
                    size int CONSTRAINT child_size CHECK (size > 0));
                INSERT INTO parent VALUES ('geheimnis')
                """)
            let child = "INSERT INTO child VALUES ($1, $2)"
            let cases: [(String, [PostgresValue], String, String)] = [
                ("INSERT INTO parent VALUES ($1)", [.text("geheimnis")], "parent_key", "23505"),
                (child, [.text("geheimnis2"), .int32(1)], "child_parent", "23503"),
                (child, [.text("geheimnis"), .int32(-424_242)], "child_size", "23514"),
                (child, [.null, .int32(1)], "parent", "23502"),
            ]
            for (sql, parameters, name, state) in cases {
                let error = try await #require(
                    postgresError { try await connection.execute(sql, parameters) })
                #expect(error.kind == .constraint(name))
                #expect(error.sqlState == state)
                #expect(!error.retryable)
                #expect(error.isUniqueViolation == (state == "23505"))
                #expect(error.isForeignKeyViolation == (state == "23503"))
                for text in ["\(error)", error.publicText, error.operatorText] {
                    #expect(!text.contains("geheimnis"))
                    #expect(!text.contains("424242"))
                }
            }
            #expect(try await connection.query("SELECT 1").count == 1, "it goes on")
        }
    }

    @Test("Errors that quote values keep them to themselves; errors of names tell them")
    func texts() async throws {
        try await withConnection { connection in
            for sql in [
                "SELECT $1::text::int", "SELECT $1::text::uuid",
                "DO $$ BEGIN RAISE EXCEPTION 'geheimnis'; END $$",
                "SELECT ($1::text)::timestamptz",
            ] {
                let parameters: [PostgresValue] = sql.contains("$1") ? [.text("geheimnis")] : []
                let error = try await #require(
                    postgresError { try await connection.query(sql, parameters) })
                #expect(error.sqlState != nil)
                #expect(!"\(error) \(error.publicText)".contains("geheimnis"))
            }
            let error = try await #require(
                postgresError { try await connection.query("SELECT * FROM nowhere") })
            #expect(error.kind == .statement)
            #expect(error.operatorText.contains("nowhere"))
            #expect(!error.publicText.contains("nowhere"))
            // What the server says without being asked is dropped, not printed.
            try await connection.script("DO $$ BEGIN RAISE WARNING 'geheimnis'; END $$")
        }
    }

    @Test("More statements than are kept prepared work, and none is prepared twice in a row")
    func preparedStatements() async throws {
        try await TestDatabase.with { database in
            var configuration = try database.configuration()
            configuration.preparedStatements = 4
            let connection = try await PostgresConnection.connect(configuration)
            for round in 0..<3 {
                for number in 0..<10 {
                    let row = try await connection.query(
                        "SELECT \(number) + $1 AS sum", [.int32(Int32(round))])[0]
                    #expect(try row.int32("sum") == Int32(number + round))
                }
            }
            let count = "SELECT count(*) AS n FROM pg_prepared_statements"
            #expect(try await connection.query(count)[0].int64("n") == 4)
            let uses =
                "SELECT generic_plans + custom_plans AS n FROM pg_prepared_statements "
                + "WHERE statement = $1"
            for use in 0..<3 {
                #expect(
                    try await connection.query(uses, [.text(uses)])[0].int64("n") == Int64(use + 1))
            }
            await connection.close()
        }
    }

    @Test("A statement prepared before its table changed can be repeated")
    func stalePlan() async throws {
        try await withConnection { connection in
            try await connection.script("CREATE TABLE t (a int); INSERT INTO t VALUES (1)")
            #expect(try await connection.query("SELECT * FROM t")[0].int32("a") == 1)
            try await connection.script("ALTER TABLE t ALTER a TYPE bigint")
            let error = try await #require(
                postgresError { try await connection.query("SELECT * FROM t") })
            #expect(error.retryable)
            #expect(try await connection.query("SELECT * FROM t")[0].int64("a") == 1)
        }
    }

    @Test("A query that returns too much ends in an error, and the connection goes on")
    func tooManyRows() async throws {
        try await withConnection { connection in
            let limit = PostgresConnection.maximumRows
            let rows = try await connection.query(
                "SELECT i FROM generate_series(1, $1) AS i", [.int32(Int32(limit))])
            #expect(rows.count == limit)
            var error = try await postgresError {
                try await connection.query("SELECT generate_series(1, 1000000000)")
            }
            #expect(error?.kind == .tooManyRows)
            error = try await postgresError {
                try await connection.query(
                    "SELECT repeat('x', 1 << 20) FROM generate_series(1, 1000)")
            }
            #expect(error?.kind == .tooManyRows)
            try await expectWorking(connection)
        }
    }

    @Test("What libpq or the protocol cannot carry is refused before it is sent")
    func refusedParameters() async throws {
        try await withConnection { connection in
            let many = [PostgresValue](repeating: .int32(1), count: 65_536)
            var error = try await postgresError { try await connection.query("SELECT 1", many) }
            #expect(error?.kind == .invalidValue)
            error = try await postgresError {
                try await connection.query("SELECT $1", [.text("a\0b")])
            }
            #expect(error?.kind == .invalidValue)
            error = try await postgresError {
                try await connection.query("SELECT $1 + $2", [.int32(1)])
            }
            #expect(error != nil)
            try await expectWorking(connection)
        }
    }

    @Test("COPY, which is not supported, closes the connection instead of hanging")
    func copy() async throws {
        try await withConnection { connection in
            try await connection.script("CREATE TABLE t (a int)")
            var error = try await postgresError { try await connection.script("COPY t FROM STDIN") }
            #expect(error?.kind == .protocolViolation)
            error = try await postgresError { try await connection.query("SELECT 1") }
            #expect(error?.kind == .connection)
        }
    }

    @Test("A statement that takes too long ends in a timeout that may be retried")
    func timeouts() async throws {
        try await withPool({ $0.lockTimeout = .milliseconds(50) }) { pool in
            let connection = try await impatient(pool.configuration)
            let error = try await postgresError {
                try await connection.query("SELECT pg_sleep(50)")
            }
            #expect(error?.kind == .timeout)
            #expect(error?.retryable == true)
            #expect(error?.sqlState == "57014")
            await connection.close()

            try await pool.withConnection { try await $0.script("CREATE TABLE t (a int)") }
            try await pool.withTransaction { holder in
                try await holder.script("LOCK TABLE t")
                let error = try await postgresError {
                    try await pool.withTransaction { try await $0.script("LOCK TABLE t") }
                }
                #expect(error?.kind == .timeout)
                #expect(error?.sqlState == "55P03")
            }
            let shorter = try await postgresError {
                try await pool.withTransaction(statementTimeout: .milliseconds(100)) {
                    try await $0.query("SELECT pg_sleep(50)")
                }
            }
            #expect(shorter?.kind == .timeout)
        }
    }

    private func impatient(_ base: PostgresConfiguration) async throws -> PostgresConnection {
        var configuration = base
        configuration.statementTimeout = .milliseconds(100)
        return try await PostgresConnection.connect(configuration)
    }

    @Test("Statements that block hold up no other task, and end when their tasks are cancelled")
    func cancellation() async throws {
        try await TestDatabase.with { database in
            var configuration = try database.configuration()
            configuration.maximumConnections = 10
            let pool = PostgresPool(configuration: configuration)
            // More than there are cooperative threads on any machine that runs this.
            let sleepers = (0..<9).map { _ in
                Task { try await pool.withConnection { try await $0.query("SELECT pg_sleep(55)") } }
            }
            let running = """
                SELECT count(*) AS n FROM pg_stat_activity
                WHERE datname = current_database() AND query = 'SELECT pg_sleep(55)'
                    AND state = 'active'
                """
            try await eventually {
                try await pool.withConnection { try await $0.query(running)[0].int64("n") } == 9
            }
            sleepers.forEach { $0.cancel() }
            for sleeper in sleepers {
                let error = try await postgresError { _ = try await sleeper.value }
                #expect(error?.kind == .cancelled)
                #expect(error?.retryable == false)
            }
            #expect(
                try await pool.withConnection { try await $0.query(running)[0].int64("n") } == 0)
            // The connections are as good as before, and no late cancellation strikes.
            for _ in 0..<50 {
                try await pool.withConnection { _ = try await $0.query("SELECT pg_sleep(0.001)") }
            }
            await pool.shutdown()
        }
    }

    @Test("A task that is cancelled already sends nothing")
    func cancelledBefore() async throws {
        try await withConnection { connection in
            try await connection.script("CREATE TABLE t (a int)")
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                try await connection.execute("INSERT INTO t VALUES (1)")
            }
            let taskError = try await postgresError { try await task.value }
            #expect(taskError?.kind == .cancelled)
            #expect(try await connection.query("SELECT * FROM t").isEmpty)
        }
    }
}
