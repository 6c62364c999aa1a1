import Foundation

/// A PostgreSQL server of one test, which may be taken down and brought up again.
///
/// Uses `Ops/lib/postgres.sh`; needs PostgreSQL's programs, but no environment variable.
package struct TestServer: Sendable {
    /// A libpq URI of its maintenance database.
    package let url: String
    /// Holds the server's data, its log, and what it is told to write.
    package let directory: String

    /// What the server stores.
    package var data: String { directory + "/data" }

    package struct ScriptFailed: Error {
        package let command: String
        package let output: String
    }

    /// Calls with a new server and removes it afterwards.
    ///
    /// - Parameter settings: Lines for `postgresql.conf`; `@` stands for the server's directory.
    package static func with<Value>(
        settings: [String] = [], _ body: (TestServer) async throws -> Value
    ) async throws -> Value {
        // Not the user's temporary directory: a socket's path has to be short.
        let folder = "/tmp/permanode-test.\(UInt32.random(in: .min ... .max))"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let server = TestServer(directory: folder + "/postgres")
        try await server.run("postgres_start", "--fast")
        return try await server.thenStopped {
            if !settings.isEmpty {
                try server.add(settings)
                try await server.pause()
                try await server.resume()
            }
            return try await body(server)
        }
    }

    /// A place for a second server beside this one, with an empty folder of the same owner.
    package func neighbour(_ name: String) throws -> TestServer {
        let folder = URL(fileURLWithPath: directory).deletingLastPathComponent()
        let neighbour = TestServer(directory: folder.appendingPathComponent(name).path)
        try makeFolder(neighbour.directory)
        return neighbour
    }

    /// Starts a server that `neighbour` gave and that a backup was written to, and removes it
    /// afterwards.
    package func running<Value>(_ body: () async throws -> Value) async throws -> Value {
        try await run("postgres_resume")
        return try await thenStopped(body)
    }

    private init(directory: String) {
        self.directory = directory
        url = "postgresql:///postgres?host=\(directory)&user=postgres"
    }

    private func thenStopped<Value>(_ body: () async throws -> Value) async throws -> Value {
        let result: Result<Value, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        try await run("postgres_stop")
        return try result.get()
    }

    /// A libpq URI of a database on this server.
    package func url(of database: String) -> String { "\(url)&dbname=\(database)" }

    /// Adds lines to `postgresql.conf`, where the last one of a name counts.
    package func add(_ settings: [String]) throws {
        let path = data + "/postgresql.conf"
        let lines = settings.map { $0.replacing("@", with: directory) + "\n" }.joined()
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        defer { try? file.close() }
        try file.seekToEnd()
        try file.write(contentsOf: Data(lines.utf8))
    }

    /// Makes a folder that the server may write to.
    package func makeFolder(_ path: String) throws {
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700])
        try giveToServer(path)
    }

    /// Makes a file of the server's.
    package func makeFile(_ path: String) throws {
        guard FileManager.default.createFile(atPath: path, contents: nil) else {
            throw ScriptFailed(command: "create \(path)", output: "")
        }
        try giveToServer(path)
    }

    /// As root, the server runs as another user.
    private func giveToServer(_ path: String) throws {
        let owner = try FileManager.default.attributesOfItem(atPath: data)
            .filter { [.ownerAccountID, .groupOwnerAccountID].contains($0.key) }
        try FileManager.default.setAttributes(owner, ofItemAtPath: path)
    }

    /// Runs one of PostgreSQL's programs, such as `pg_basebackup`, as the server's user.
    /// - Throws: `ScriptFailed`, also where the program is not installed.
    package func runProgram(_ name: String, _ arguments: [String]) async throws {
        do {
            try await run("postgres_run", [name] + arguments)
        } catch let error as ScriptFailed {
            let log = try? String(contentsOfFile: directory + "/ops.log", encoding: .utf8)
            throw ScriptFailed(command: name, output: error.output + (log?.suffix(2000) ?? ""))
        }
    }

    /// Where the programs lie that belong to the servers of the tests.
    package static func program(_ name: String) async throws -> URL {
        let output = try await script("postgres_find_bin", [])
        let folder = output.trimmingCharacters(in: .whitespacesAndNewlines)
        return URL(fileURLWithPath: folder).appendingPathComponent(name)
    }

    /// Stops the server and keeps its data.
    /// - Parameter crashing: without letting it finish anything, as a crash would.
    package func pause(crashing: Bool = false) async throws {
        try await run("postgres_pause", crashing ? "immediate" : "fast")
    }

    package func resume() async throws { try await run("postgres_resume") }

    private func run(_ function: String, _ arguments: String...) async throws {
        try await run(function, arguments)
    }

    private func run(_ function: String, _ arguments: [String]) async throws {
        _ = try await Self.script(function, [directory] + arguments)
    }

    /// Calls a function of `Ops/lib/postgres.sh`.
    /// - Returns: What it wrote.
    private static func script(_ function: String, _ arguments: [String]) async throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        let script = "set -euo pipefail; . \"$0\"; \"$@\""
        process.arguments = ["-c", script, library, function] + arguments
        return try await output(of: process)
    }

    /// Runs a process to its end.
    /// - Returns: What it wrote.
    /// - Throws: `ScriptFailed` where its status is not 0.
    package static func output(of process: Process) async throws -> String {
        let output = Pipe()
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = output
        // A server itself holds no stream of ours, so the end of the output is the process's.
        try process.run()
        let text = await withCheckedContinuation { continuation in
            DispatchQueue(label: "test-server").async {
                let data = output.fileHandleForReading.readDataToEndOfFile()
                process.waitUntilExit()
                continuation.resume(returning: String(decoding: data, as: UTF8.self))
            }
        }
        guard process.terminationStatus == 0 else {
            let name = process.executableURL?.lastPathComponent ?? ""
            throw ScriptFailed(
                command: ([name] + (process.arguments ?? [])).joined(separator: " "), output: text)
        }
        return text
    }

    private static var library: String {
        URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Ops/lib/postgres.sh").path
    }
}
