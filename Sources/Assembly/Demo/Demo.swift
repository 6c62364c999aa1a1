import Archive
import Crawler
import Diagnostics
import Foundation
import HTTPServer
import LocalTangle
import NodeClient
import Postgres
import QueryAPI
import Vault

/// The whole story on loopback: a meter publishes, the crawler archives, the node prunes, the
/// archive answers, the owner is forgotten.
package enum Demo {
    /// Tells it in numbered lines, each after what it says was seen to be so. Everything it
    /// starts is stopped and what it makes is removed, however it ends.
    ///
    /// - Parameters:
    ///   - server: Any database of a server whose user may create databases; what is in it is
    ///     not touched.
    ///   - keeping: Goes on after the story with something to look at, until the task is
    ///     cancelled; called when it is there. Nil ends with the story.
    ///   - say: Takes one line.
    /// - Throws: `DemoError` where something is not as told; what keeps the parts from working.
    package static func run(
        on server: PostgresConfiguration, log: Log,
        keeping: (@Sendable () -> Void)? = nil,
        say: @escaping @Sendable (String) throws -> Void
    ) async throws {
        let start = ContinuousClock.now
        let teller = DemoTeller(say)
        try await withTangle { tangle in
            try teller.tell(
                "A node of the Tangle runs at \(tangle.url); its ledger has \(tangle.ledger.count)"
                    + " transactions.")
            try await ScratchDatabase.with(on: server) { name, database in
                try await withArchive(name, database, teller) { archive in
                    try await withService(archive, tangle, log, teller) { api in
                        var story = try DemoStory(tangle, archive, api, teller)
                        try await story.tell()
                        guard let keeping else { return }
                        var days = try DemoDays(tangle, archive, api, teller)
                        try await days.keep(onReady: keeping)
                    }
                }
            }
        }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        try teller.tell(
            "That was all, in \(String(format: "%.1f", seconds)) seconds. What was started is"
                + " stopped, and database and key ring are removed.")
    }

    private static func withTangle(
        _ body: @Sendable (LocalTangleServer) async throws -> Void
    ) async throws {
        let tangle = try LocalTangleServer()
        let result: Result<Void, any Error>
        do { result = .success(try await body(tangle)) } catch { result = .failure(error) }
        await tangle.shutdown()
        try result.get()
        try await checkStopped(tangle.port)
    }

    private static func withArchive(
        _ name: String, _ database: PostgresConfiguration, _ teller: DemoTeller,
        _ body: @Sendable (Archive) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("permanode-demo-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700])
        let pool = PostgresPool(configuration: database)
        let result: Result<Void, any Error>
        do {
            let ring = KeyRingFile(path: folder.appendingPathComponent("keyring").path)
            try await Schema.migrate(on: pool)
            try ring.create()
            let tables = try await ScratchDatabase.rows(on: pool)
            try teller.check(tables.allSatisfy { $0.count == 0 }, "the new database is empty")
            try teller.tell(
                "An archive is made: PostgreSQL database \(name) with schema version"
                    + " \(Schema.version), and a key ring that only its owner may read.",
                [ring.path])
            result = .success(try await body(Archive(pool: pool, vault: Vault(ring: ring))))
        } catch {
            result = .failure(error)
        }
        await pool.shutdown()
        let removed = Result { try FileManager.default.removeItem(at: folder) }
        try result.get()
        try removed.get()
    }

    /// The service's three parts around `body`.
    private static func withService(
        _ archive: Archive, _ tangle: LocalTangleServer, _ log: Log, _ teller: DemoTeller,
        _ body: @escaping @Sendable (LoopbackClient) async throws -> Void
    ) async throws {
        let metrics = Metrics()
        let api = try QueryAPI(archive: archive, metrics: metrics, log: log)
        let crawler = CrawlService(
            archive: archive,
            source: NodeTangleSource(try NodePool(endpoints: [NodeEndpoint(tangle.url)])),
            policy: policy, owner: "demo", log: log.component("crawler"),
            instruments: try CrawlInstruments(metrics))
        let eraser = try ErasureService(archive: archive, log: log.component("eraser"))
        let server = try HTTPServer(configuration: HTTPServerConfiguration()) {
            await api.respond(to: $0)
        }
        let client = LoopbackClient(port: server.port)
        let result: Result<Void, any Error>
        do {
            let refusal = try await client.request("GET", "/v1/channels").status
            try teller.check(refusal == 401, "a request without a token is answered with 401")
            try teller.tell(
                "permanode runs: the crawler asks the node, the eraser waits for requests, and"
                    + " HTTP is served at \(client.url).",
                ["Whoever asks without a token is answered with 401."])
            result = .success(
                try await withThrowingTaskGroup(of: Bool.self) { group in
                    group.addTask {
                        try await crawler.run(); return false
                    }
                    group.addTask {
                        try await eraser.run(); return false
                    }
                    group.addTask {
                        try await body(client); return true
                    }
                    defer { group.cancelAll() }
                    let isTold = try await group.next() ?? false
                    try teller.check(isTold, "the service goes on to the end")
                })
        } catch {
            result = .failure(error)
        }
        await server.shutdown(grace: .seconds(1))
        try result.get()
        try await checkStopped(server.port)
    }

    private static func checkStopped(_ port: UInt16) async throws {
        do {
            _ = try await LoopbackClient(port: port).request("GET", "/")
        } catch LoopbackClient.Trouble.socket(ECONNREFUSED) {
            return
        }
        throw DemoError("not as told: something still listens on port \(port)")
    }

    /// Looks more often than at a real node: nobody else is there, and nobody wants to wait.
    private static var policy: CrawlPolicy {
        var policy = CrawlPolicy()
        policy.shortestWait = 0.2
        return policy
    }
}
