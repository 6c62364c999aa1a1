import Archive
import ArchiveTestSupport
import Foundation
import HTTPServer
import Postgres
import TestSupport
import Testing

/// An interface whose archive has a streaming replica.
struct ReplicatedAPI {
    let api: TestAPI
    let copy: TestServer
    /// The database on the copy.
    let copied: PostgresPool
    let replicas: Replicas

    var test: TestArchive { api.test }

    /// Times a condition is looked at before it counts as not met.
    private static let looks = 3000

    /// - Parameter bound: How old what is read may be; so long, that what a test holds back stays
    ///   within it.
    static func with(
        bound: Duration = .seconds(120), _ body: (ReplicatedAPI) async throws -> Void
    ) async throws {
        try await TestServer.with { server in
            let copy = try server.neighbour("copy")
            try await TestArchive.with(on: server) { test in
                try await server.runProgram(
                    "pg_basebackup",
                    [
                        "--pgdata", copy.data, "--host", server.directory, "--username", "postgres",
                        "--checkpoint", "fast", "--write-recovery-conf", "--no-sync",
                    ])
                try copy.add(["unix_socket_directories = '@'", "hot_standby = on"])
                try await copy.running {
                    try await with(test, copy, bound, body)
                }
            }
        }
    }

    private static func with(
        _ test: TestArchive, _ copy: TestServer, _ bound: Duration,
        _ body: (ReplicatedAPI) async throws -> Void
    ) async throws {
        let configuration = try PostgresConfiguration(url: copy.url(of: test.database.name))
        let replicas = Replicas(
            [configuration], of: try test.database.configuration(), bound: bound)
        let replicated = TestArchive(
            archive: Archive(pool: test.pool, vault: test.vault, replicas: replicas),
            database: test.database, keyRing: test.keyRing, folder: test.folder)
        let copied = PostgresPool(configuration: configuration)
        let running = Task { await replicas.run() }
        let result: Result<Void, any Error>
        do {
            try await TestAPI.with(replicated) { api in
                try await body(
                    ReplicatedAPI(api: api, copy: copy, copied: copied, replicas: replicas))
            }
            result = .success(())
        } catch { result = .failure(error) }
        running.cancel()
        await running.value
        await replicas.shutdown()
        await copied.shutdown()
        try result.get()
    }

    var isUsed: Bool { replicas.reports[0].age != nil }

    func eventually(_ what: Comment, _ condition: () async throws -> Bool) async throws {
        for _ in 0..<Self.looks {
            if try await condition() { return }
            try await Task.sleep(for: .milliseconds(20))
        }
        try #require(Bool(false), what)
    }

    /// Waits until the replica has all that was written so far, and is used.
    func catchUp() async throws {
        let written = try await Self.text(
            "select pg_current_wal_flush_lsn()::text as value", on: test.pool)
        try await eventually("the replica has replayed everything") {
            try await Self.text(
                "select (pg_last_wal_replay_lsn() >= '\(written)')::text as value", on: copied)
                == "true"
        }
        try await eventually("the replica is used") { isUsed }
    }

    /// From now on the replica stays as it is, and takes in the log all the same.
    func holdBack() async throws {
        try await copied.withConnection { try await $0.script("select pg_wal_replay_pause()") }
        try await eventually("the replica is held back") {
            try await Self.text("select pg_get_wal_replay_pause_state() as value", on: copied)
                == "paused"
        }
    }

    func letGo() async throws {
        try await copied.withConnection { try await $0.script("select pg_wal_replay_resume()") }
        try await catchUp()
    }

    /// An answer that came from the replica: where it was too busy, the primary answers, and it is
    /// asked again.
    func getFromReplica(_ path: String, accept: String? = nil) async throws -> Answer {
        var last: Answer?
        try await eventually("the replica answers") {
            let answer = try await api.get(path, accept: accept)
            try #require(answer.status < 400, "\(path): \(answer.text)")
            last = answer
            return Self.isFromReplica(answer)
        }
        return try #require(last)
    }

    static func isFromReplica(_ answer: Answer) -> Bool {
        answer.headers["Permanode-Staleness"].map { $0 != "0.000" } ?? false
    }

    func execute(_ sql: String) async throws {
        _ = try await test.pool.withConnection { try await $0.execute(sql) }
    }

    static func text(_ sql: String, on pool: PostgresPool) async throws -> String {
        try await pool.withConnection { try await $0.query(sql)[0].text("value") }
    }
}
