import Foundation
import MAM
import Synchronization
import TestSupport
import Testing

/// A database, a folder and an environment of one test, and a record of all that was called
/// and said in it.
final class Workplace: Sendable {
    let folder: URL
    let database: TestDatabase
    private let state: Mutex<State>

    private struct State {
        var environment: [String: String]
        var said: [String] = []
        var secrets: Set<String> = []
    }

    private init(folder: URL, database: TestDatabase) {
        self.folder = folder
        self.database = database
        state = Mutex(
            State(environment: [
                "PERMANODE_DATABASE_URL": database.url,
                "PERMANODE_KEYRING": folder.appendingPathComponent("keyring").path,
                "PERMANODE_LISTEN": "127.0.0.1:0",
                "PERMANODE_DISK_RESERVE": "1M",
            ]))
    }

    /// Calls with a new workplace; afterwards no secret may stand in what was called or said.
    static func with(_ body: (Workplace) async throws -> Void) async throws {
        try await TestDatabase.with { database in
            let folder = FileManager.default.temporaryDirectory
                .appendingPathComponent("permanode-commands-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let place = Workplace(folder: folder, database: database)
            try await body(place)
            let (said, secrets) = place.state.withLock { ($0.said, $0.secrets) }
            for secret in secrets {
                let isTold = said.contains { $0.contains(secret) }
                #expect(!isTold, "a secret was told")
            }
        }
    }

    /// The same with an archive made by `init`.
    static func withArchive(_ body: (Workplace) async throws -> Void) async throws {
        try await with { place in
            let made = try await Program(environment: place.environment).run("init")
            try #require(made.status == 0, "\(made.errors)")
            place.keepSecret(made.lines.last ?? "")
            try await body(place)
        }
    }

    var environment: [String: String] { state.withLock(\.environment) }

    var keyRing: String { environment["PERMANODE_KEYRING"] ?? "" }

    func set(_ variable: String, _ value: String?) {
        state.withLock { $0.environment[variable] = value }
    }

    /// One of fewer than ten characters may stand in any text by chance, and is not looked for.
    func keepSecret(_ secret: String) {
        guard secret.count >= 10 else { return }
        state.withLock { _ = $0.secrets.insert(secret) }
    }

    func run(_ arguments: String..., input: String = "") async throws -> Program.Result {
        try await run(arguments, input: input)
    }

    func run(_ arguments: [String], input: String = "") async throws -> Program.Result {
        let result = try await Program(environment: environment).run(arguments, input: input)
        record(arguments + [result.output, result.errors])
        return result
    }

    func start(_ arguments: String...) throws -> RunningProgram { try start(arguments) }

    func start(_ arguments: [String]) throws -> RunningProgram {
        record(arguments)
        return try Program(environment: environment).start(arguments)
    }

    /// What a program that was started said.
    func record(_ texts: [String]) {
        state.withLock { $0.said += texts }
    }

    func file(_ name: String, _ content: String) throws -> String {
        let file = folder.appendingPathComponent(name)
        try Data(content.utf8).write(to: file)
        return file.path
    }

    /// A node with the recorded traffic, as a process of its own; its URL becomes PERMANODE_NODES.
    func startNode() async throws -> RunningProgram {
        let traffic = try file(
            "tangle.ndjson", String(decoding: Fixture.data("tangle.ndjson"), as: UTF8.self))
        let node = try start("local-tangle", "--port", "0", "--load", traffic)
        try await node.wait(untilOutput: { $0.contains("\n") })
        let url = node.output.trimmingCharacters(in: .whitespacesAndNewlines)
        try #require(url.hasPrefix("http://127.0.0.1:"))
        set("PERMANODE_NODES", url)
        return node
    }

    /// Registers a channel of the vectors with all its side keys, or only the first `keyCount`;
    /// its secrets may not be told.
    func add(_ vector: ChannelVector, _ more: String..., keyCount: Int = .max) async throws
        -> String
    {
        for message in vector.allMessages {
            // A public channel's root is its address, which everybody knows.
            if vector.mode != .public {
                keepSecret(message.root)
                keepSecret(message.nextRoot)
            }
            if let key = message.sideKey { keepSecret(key) }
        }
        let first = try #require(vector.messages.first)
        var arguments = [
            "channel", "add", "--mode", vector.mode.rawValue,
            "--root-file", try file("root", first.root + "\n"),
        ]
        var keys: [String] = []
        for key in vector.messages.compactMap(\.sideKey) where !keys.contains(key) {
            keys.append(key)
        }
        if let key = keys.first {
            arguments += ["--side-key-file", try file("side-key", key + "\n")]
        }
        let added = try await Program(environment: environment).run(arguments + more)
        record(arguments + more + [added.output, added.errors])
        try #require(added.status == 0, "\(vector.name): \(added.errors)")
        let id = try #require(added.lines.last)
        #expect(id.count == 10)
        for key in keys.prefix(keyCount).dropFirst() {
            let result = try await run(
                "key", "add", "--channel", id, "--side-key-file", "-", input: key)
            try #require(result.status == 0, "\(result.errors)")
        }
        return id
    }
}
