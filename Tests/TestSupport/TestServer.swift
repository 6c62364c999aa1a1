import Foundation

/// A PostgreSQL server of one test, which may be taken down and brought up again.
///
/// Uses `Ops/lib/postgres.sh`; needs PostgreSQL's programs, but no environment variable.
package struct TestServer: Sendable {
    /// A libpq URI of its maintenance database.
    package let url: String
    private let directory: String

    package struct ScriptFailed: Error {
        package let command: String
        package let output: String
    }

    /// Calls with a new server and removes it afterwards.
    package static func with<Value>(
        _ body: (TestServer) async throws -> Value
    ) async throws -> Value {
        // Not the user's temporary directory: a socket's path has to be short.
        let folder = "/tmp/permanode-test.\(UInt32.random(in: .min ... .max))"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let directory = folder + "/postgres"
        let server = TestServer(
            url: "postgresql:///postgres?host=\(directory)&user=postgres", directory: directory)
        try await server.run("postgres_start", "--fast")
        let result: Result<Value, any Error>
        do { result = .success(try await body(server)) } catch { result = .failure(error) }
        try await server.run("postgres_stop")
        return try result.get()
    }

    /// Stops the server and keeps its data.
    /// - Parameter crashing: without letting it finish anything, as a crash would.
    package func pause(crashing: Bool = false) async throws {
        try await run("postgres_pause", crashing ? "immediate" : "fast")
    }

    package func resume() async throws { try await run("postgres_resume") }

    private func run(_ function: String, _ arguments: String...) async throws {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        let script = "set -euo pipefail; . \"$0\"; \"$@\""
        process.arguments = ["-c", script, Self.script, function, directory] + arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = output
        // The server itself holds no stream of ours, so the end of the output is the script's.
        try process.run()
        let text = await withCheckedContinuation { continuation in
            DispatchQueue(label: "test-server").async {
                let data = output.fileHandleForReading.readDataToEndOfFile()
                process.waitUntilExit()
                continuation.resume(returning: String(decoding: data, as: UTF8.self))
            }
        }
        guard process.terminationStatus == 0 else {
            throw ScriptFailed(command: function, output: text)
        }
    }

    private static var script: String {
        URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Ops/lib/postgres.sh").path
    }
}
