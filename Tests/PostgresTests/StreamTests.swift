import Foundation
import Postgres
import TestSupport
import Testing

@Suite("Streaming rows")
struct StreamTests {
    private struct Enough: Error {}

    /// Resident memory of this process in bytes.
    fileprivate static func residentBytes() throws -> Int {
        let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
        return try #require(Int(text.split(separator: " ")[1])) * 4_096
    }

    @Test(
        "A million rows pass through in bounded memory",
        .enabled(if: FileManager.default.fileExists(atPath: "/proc/self/statm")))
    func million() async {
        // In a process of its own: what other tests keep in memory would be counted, too.
        await #expect(processExitsWith: .success) {
            try await withConnection { connection in
                var next: Int64 = 1
                var batches = 0
                var highest = 0
                let before = try StreamTests.residentBytes()
                try await connection.stream(
                    "SELECT generate_series(1, $1::bigint) AS i, repeat('x', 800) AS pad",
                    [.int32(1_000_000)]
                ) { rows in
                    #expect(rows.count <= 256)
                    for row in rows {
                        #expect(try row.int64("i") == next)
                        next += 1
                    }
                    batches += 1
                    if batches % 100 == 0 {
                        highest = max(highest, try StreamTests.residentBytes())
                    }
                }
                #expect(next == 1_000_001)
                // 800 MB passed.
                #expect(highest > 0 && highest - before < 64 << 20)
                try await expectWorking(connection)
            }
        }
    }

    @Test("A consumer that has had enough ends the statement, and the connection goes on")
    func earlyStop() async throws {
        try await withConnection { connection in
            var seen = 0
            await #expect(throws: Enough.self) {
                try await connection.stream("SELECT generate_series(1, 100000000)") {
                    seen += $0.count
                    if seen >= 1_000 { throw Enough() }
                }
            }
            #expect(seen < 1_300)
            try await expectWorking(connection)
        }
    }

    @Test("The server waits for a slow consumer")
    func backPressure() async throws {
        try await withPool { pool in
            try await pool.withConnection { connection in
                let process = try await connection.query("SELECT pg_backend_pid() AS v")[0].int32(
                    "v")
                await #expect(throws: Enough.self) {
                    try await connection.stream(
                        "SELECT repeat('x', 1000) FROM generate_series(1, 1000000)"
                    ) { _ in
                        try await eventually {
                            let rows = try await pool.withConnection {
                                try await $0.query(
                                    "SELECT wait_event FROM pg_stat_activity WHERE pid = $1",
                                    [.int32(process)])
                            }
                            return try rows[0].optionalText("wait_event") == "ClientWrite"
                        }
                        throw Enough()
                    }
                }
            }
        }
    }

    @Test("During a stream the connection takes no other statement")
    func exclusive() async throws {
        try await withConnection { connection in
            var batches = 0
            try await connection.stream("SELECT generate_series(1, 1000)", batchSize: 100) { _ in
                let error = try await postgresError { try await connection.query("SELECT 1") }
                #expect(error?.kind == .protocolViolation)
                batches += 1
            }
            #expect(batches == 10)
        }
    }

    @Test("Batches of large rows are handed over before they are full")
    func largeRows() async throws {
        try await withConnection { connection in
            var sizes: [Int] = []
            try await connection.stream("SELECT repeat('x', 1 << 20) FROM generate_series(1, 20)") {
                sizes.append($0.count)
            }
            #expect(sizes == [4, 4, 4, 4, 4])
        }
    }

    @Test("An error in the middle comes after the rows before it; no rows are no batch")
    func errors() async throws {
        try await withConnection { connection in
            var seen = 0
            let error = try await postgresError {
                try await connection.stream(
                    "SELECT 1 / (50000 - i) AS v FROM generate_series(1, 60000) AS i"
                ) { seen += $0.count }
            }
            #expect(error?.sqlState == "22012")
            #expect(seen > 0 && seen < 50_000)
            try await connection.stream("SELECT 1 WHERE false") { _ in Issue.record("no rows") }
            #expect(
                try await postgresError {
                    try await connection.stream("SELECT nothing") { _ in }
                }?.kind == .statement)
        }
    }

    @Test("Cancelling the task ends the stream")
    func cancelled() async throws {
        try await withConnection { connection in
            let task = Task {
                try await connection.stream("SELECT generate_series(1, 100000000)") {
                    _ in
                    withUnsafeCurrentTask { $0?.cancel() }
                }
            }
            let taskError = try await postgresError { try await task.value }
            #expect(taskError?.kind == .cancelled)
            try await expectWorking(connection)
        }
    }
}
