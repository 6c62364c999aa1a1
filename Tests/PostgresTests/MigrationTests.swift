import Postgres
import TestSupport
import Testing

@Suite("Migrations")
struct MigrationTests {
    private static let files: [Migrations.File] = [
        (1, "V0001_first", "CREATE TABLE first (a int); INSERT INTO first VALUES (1)"),
        (2, "V0002_second", "CREATE TABLE second (b int);"),
        (5, "V0005_third", "ALTER TABLE first ADD COLUMN c int"),
    ]

    private static func exists(_ table: String, _ pool: PostgresPool) async throws -> Bool {
        try await pool.withConnection {
            try await $0.query("SELECT to_regclass($1::text) IS NOT NULL AS v", [.text(table)])[0]
                .bool("v")
        }
    }

    @Test("Files apply in order, once, and what came later applies later")
    func forward() async throws {
        try await withPool { pool in
            #expect(try await Migrations.current(on: pool) == 0)
            #expect(
                try await Migrations.apply(files: Array(Self.files.prefix(2)), on: pool) == [1, 2])
            #expect(try await Migrations.current(on: pool) == 2)
            #expect(try await Migrations.apply(files: Self.files, on: pool) == [5])
            #expect(try await Migrations.apply(files: Self.files, on: pool) == [])
            #expect(try await Migrations.current(on: pool) == 5)
            let rows = try await pool.withConnection {
                try await $0.query("SELECT name, applied_at FROM permanode_schema ORDER BY version")
            }
            #expect(try rows.map { try $0.text("name") } == Self.files.map(\.name))
        }
    }

    @Test("A file that fails leaves nothing of itself, keeps those before it, and can be mended")
    func failing() async throws {
        try await withPool { pool in
            var files = Self.files
            files[1].sql = "CREATE TABLE second (b int); SELECT 1 / 0; CREATE TABLE never (a int)"
            let error = try await postgresError {
                _ = try await Migrations.apply(files: files, on: pool)
            }
            #expect(error?.sqlState == "22012")
            #expect(try await Migrations.current(on: pool) == 1)
            #expect(try await !Self.exists("second", pool))
            #expect(try await Migrations.apply(files: Self.files, on: pool) == [2, 5])
        }
    }

    @Test("A database that is newer, lacks a version, or has another text is refused untouched")
    func refused() async throws {
        try await withPool { pool in
            try await Migrations.apply(files: Self.files, on: pool)
            var changed = Self.files
            changed[0].sql += " "
            var inserted = Self.files
            inserted.insert((3, "V0003_late", "CREATE TABLE late (a int)"), at: 2)
            var unknown = Self.files
            unknown.remove(at: 1)
            unknown.append((6, "V0006_next", "CREATE TABLE late (a int)"))
            let cases = [Array(Self.files.prefix(2)), changed, inserted, unknown]
            for files in cases {
                let error = try await postgresError {
                    _ = try await Migrations.apply(files: files, on: pool)
                }
                #expect(error?.kind == .migration)
                #expect(error?.retryable == false)
            }
            #expect(try await !Self.exists("late", pool))
            #expect(try await Migrations.current(on: pool) == 5)
        }
    }

    @Test("Files whose versions do not ascend, or that end their transaction, are refused")
    func unusable() async throws {
        try await withPool { pool in
            let lists: [[Migrations.File]] = [
                [(0, "zero", "SELECT 1")],
                [(2, "two", "SELECT 1"), (2, "two", "SELECT 1")],
                [(1, "commits", "CREATE TABLE x (a int); COMMIT; SELECT 1")],
                [(1, "begins", "CREATE TABLE y (a int); ROLLBACK; BEGIN")],
            ]
            for files in lists {
                let error = try await postgresError {
                    _ = try await Migrations.apply(files: files, on: pool)
                }
                #expect(error?.kind == .migration, "\(files[0].name)")
            }
            #expect(try await Migrations.current(on: pool) == 0)
        }
    }

    @Test("Of migrators that start at once each file is applied by exactly one")
    func concurrent() async throws {
        try await withPool { pool in
            let files = (1...6).map { number -> Migrations.File in
                (number, "V\(number)", "CREATE TABLE t\(number) (a int); SELECT pg_sleep(0.01)")
            }
            let applied = try await withThrowingTaskGroup(of: [Int].self) { group in
                for _ in 0..<6 {
                    group.addTask { try await Migrations.apply(files: files, on: pool) }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(applied.sorted() == Array(1...6))
        }
    }
}

@Suite("Notifications")
struct NotificationTests {
    @Test("A listener hears what was committed, in order, and its connection goes with it")
    func listening() async throws {
        try await withPool { pool in
            let stream = try await PostgresListener.listen("od\"d Channel", pool.configuration)
            let reader = Task {
                var payloads: [String] = []
                for await notification in stream {
                    payloads.append(notification.payload)
                    if payloads.count == 3 { break }
                }
                return payloads
            }
            for payload in ["one", "two", "three"] {
                try await pool.withConnection {
                    try await $0.execute(
                        "SELECT pg_notify($1, $2)", [.text("od\"d Channel"), .text(payload)])
                }
            }
            #expect(await reader.value == ["one", "two", "three"])
        }
    }

    @Test("A listener whose connection is lost ends its stream, one given up ends its connection")
    func ending() async throws {
        try await withPool { pool in
            let listeners =
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"
            let lost = try await PostgresListener.listen("a", pool.configuration)
            try await pool.withConnection {
                let process = try await $0.query(listeners)[0].int32("pid")
                try await $0.execute("SELECT pg_terminate_backend($1)", [.int32(process)])
            }
            for await _ in lost { Issue.record("nothing was sent") }
            let givenUp = try await PostgresListener.listen("b", pool.configuration)
            let reader = Task { for await _ in givenUp {} }
            reader.cancel()
            await reader.value
            try await eventually {
                try await pool.withConnection { try await $0.query(listeners).isEmpty }
            }
        }
    }
}
