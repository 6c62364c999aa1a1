import Postgres
import TestSupport
import Testing

@Suite("Transactions")
struct TransactionTests {
    private struct Changed: Error {}

    private static func withTable(_ body: (PostgresPool) async throws -> Void) async throws {
        try await withPool { pool in
            try await pool.withConnection { try await $0.script("CREATE TABLE t (a int)") }
            try await body(pool)
        }
    }

    private static func rows(_ pool: PostgresPool) async throws -> [Int32] {
        try await pool.withConnection {
            try await $0.query("SELECT a FROM t ORDER BY a").map { try $0.int32("a") }
        }
    }

    private static func expectEmpty(_ pool: PostgresPool) async throws {
        let rows = try await rows(pool)
        #expect(rows.isEmpty)
    }

    @Test("What returns is committed, what throws is not")
    func outcome() async throws {
        try await Self.withTable { pool in
            let value = try await pool.withTransaction { connection in
                try await connection.execute("INSERT INTO t VALUES (1)")
                return "done"
            }
            #expect(value == "done")
            await #expect(throws: Changed.self) {
                try await pool.withTransaction { connection in
                    try await connection.execute("INSERT INTO t VALUES (2)")
                    throw Changed()
                }
            }
            #expect(try await Self.rows(pool) == [1])
        }
    }

    @Test("A body that swallows a statement's error does not think that it has committed")
    func aborted() async throws {
        try await Self.withTable { pool in
            let error = try await postgresError {
                try await pool.withTransaction { connection in
                    try await connection.execute("INSERT INTO t VALUES (1)")
                    _ = try? await connection.query("SELECT 1 / 0")
                    let later = try await postgresError { try await connection.query("SELECT 1") }
                    #expect(later?.kind == .transactionAborted)
                }
            }
            #expect(error?.kind == .transactionAborted)
            try await Self.expectEmpty(pool)
        }
    }

    @Test("A cancelled task commits nothing, even if its body returns")
    func cancelled() async throws {
        try await Self.withTable { pool in
            let task = Task {
                try await pool.withTransaction { connection in
                    try await connection.execute("INSERT INTO t VALUES (1)")
                    withUnsafeCurrentTask { $0?.cancel() }
                }
            }
            let taskError = try await postgresError { try await task.value }
            #expect(taskError?.kind == .cancelled)
            try await Self.expectEmpty(pool)
        }
    }

    @Test("A read-only transaction writes nothing")
    func readOnly() async throws {
        try await Self.withTable { pool in
            let error = try await postgresError {
                try await pool.withTransaction(readOnly: true) {
                    try await $0.execute("INSERT INTO t VALUES (1)")
                }
            }
            #expect(error?.sqlState == "25006")
            try await Self.expectEmpty(pool)
        }
    }

    @Test("A serialization failure may be retried")
    func serialization() async throws {
        try await Self.withTable { pool in
            try await pool.withConnection { try await $0.script("INSERT INTO t VALUES (0)") }
            let error = try await postgresError {
                try await pool.withTransaction(isolation: .repeatableRead) { first in
                    _ = try await first.query("SELECT a FROM t")
                    try await pool.withTransaction { try await $0.execute("UPDATE t SET a = 1") }
                    try await first.execute("UPDATE t SET a = 2")
                }
            }
            #expect(error?.kind == .serialization)
            #expect(error?.retryable == true)
            #expect(try await Self.rows(pool) == [1])
        }
    }

    @Test("A constraint that speaks up at COMMIT is a plain error")
    func deferredConstraint() async throws {
        try await Self.withTable { pool in
            try await pool.withConnection {
                try await $0.script(
                    "ALTER TABLE t ADD CONSTRAINT once UNIQUE (a) DEFERRABLE INITIALLY DEFERRED")
            }
            let error = try await postgresError {
                try await pool.withTransaction {
                    try await $0.script("INSERT INTO t VALUES (1), (1)")
                }
            }
            #expect(error?.kind == .constraint("once"))
            try await Self.expectEmpty(pool)
        }
    }

    @Test("A connection that is lost during COMMIT leaves the outcome unknown, and is not retried")
    func commitUnknown() async throws {
        try await Self.withTable { pool in
            // The trigger runs inside of COMMIT and ends its own server process.
            try await pool.withConnection {
                try await $0.script(
                    """
                    CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS
                        $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
                    CREATE CONSTRAINT TRIGGER die AFTER INSERT ON t
                        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION die()
                    """)
            }
            var runs = 0
            let error = try await postgresError {
                try await pool.withTransaction { connection in
                    runs += 1
                    try await connection.execute("INSERT INTO t VALUES (1)")
                }
            }
            #expect(error?.kind == .commitUnknown)
            #expect(error?.retryable == false)
            #expect(runs == 1)
            #expect(try await Self.rows(pool).isEmpty, "and the pool goes on")
        }
    }

    @Test("A connection that is lost before COMMIT has certainly committed nothing")
    func lostBeforeCommit() async throws {
        try await Self.withTable { pool in
            let error = try await postgresError {
                try await pool.withTransaction { connection in
                    try await connection.execute("INSERT INTO t VALUES (1)")
                    try await terminate(connection, from: pool)
                }
            }
            #expect(error?.kind == .connection)
            #expect(error?.retryable == true)
            try await Self.expectEmpty(pool)
        }
    }

    @Test("A stream that is left in the middle of a transaction rolls it back")
    func streamInside() async throws {
        try await Self.withTable { pool in
            await #expect(throws: Changed.self) {
                try await pool.withTransaction { connection in
                    try await connection.execute("INSERT INTO t VALUES (1)")
                    try await connection.stream("SELECT generate_series(1, 1000000)") { _ in
                        throw Changed()
                    }
                }
            }
            try await Self.expectEmpty(pool)
        }
    }
}
