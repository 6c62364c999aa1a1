import Foundation
import Synchronization
import Testing

/// The real binary, as a user calls it.
struct Program: Sendable {
    /// Beyond this a run is taken for hung and killed.
    static let limit: Duration = .seconds(60)

    struct Missing: Error, CustomStringConvertible {
        let description = "the permanode binary is not beside the tests: build it first"
    }

    /// Next to the test bundle, where the build puts it.
    static func path() throws -> String {
        var folders = CommandLine.arguments.filter { $0.contains(".xctest") || $0.contains("/") }
            .map { URL(fileURLWithPath: $0).deletingLastPathComponent() }
        let package = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        folders.append(package.appendingPathComponent(".build/release"))
        let candidates = folders.map { $0.appendingPathComponent("permanode").path }
        guard let path = candidates.first(where: FileManager.default.isExecutableFile) else {
            throw Missing()
        }
        return path
    }

    struct Result: Sendable {
        let status: Int32
        let output: String
        let errors: String

        var lines: [String] { output.split(separator: "\n").map(String.init) }

        func json<Value: Decodable>(_: Value.Type) throws -> Value {
            try JSONDecoder().decode(Value.self, from: Data(output.utf8))
        }
    }

    /// Nothing of the tests' own environment reaches it.
    var environment: [String: String] = [:]

    /// Runs to the end, with `input` as standard input.
    func run(_ arguments: String..., input: String = "") async throws -> Result {
        try await run(arguments, input: input)
    }

    func run(_ arguments: [String], input: String = "") async throws -> Result {
        let running = try start(arguments, input: input)
        let status = try await running.waitForEnd()
        return Result(status: status, output: running.output, errors: running.errors)
    }

    func start(_ arguments: [String], input: String = "") throws -> RunningProgram {
        try RunningProgram(
            path: Self.path(), arguments: arguments, environment: environment, input: input)
    }
}

/// A process of the binary; killed when it goes.
///
/// Its streams are files: a pipe's end could be inherited by what other tests start meanwhile,
/// and then its end would not be seen.
final class RunningProgram: Sendable {
    struct Hung: Error, CustomStringConvertible {
        let description: String
    }

    /// Between two looks at what it printed.
    private static let interval: Duration = .milliseconds(10)

    let identifier: Int32
    private let folder: URL
    private let status: Status
    private let deadline: ContinuousClock.Instant

    private final class Status: Sendable {
        let value = Mutex<Int32?>(nil)
    }

    init(
        path: String, arguments: [String], environment: [String: String], input: String
    ) throws {
        folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("permanode-run-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data(input.utf8).write(to: folder.appendingPathComponent("input"))
        for name in ["output", "errors"] {
            try Data().write(to: folder.appendingPathComponent(name))
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.environment = environment
        process.standardInput = try FileHandle(
            forReadingFrom: folder.appendingPathComponent("input"))
        process.standardOutput = try FileHandle(
            forWritingTo: folder.appendingPathComponent("output"))
        process.standardError = try FileHandle(
            forWritingTo: folder.appendingPathComponent("errors"))
        let status = Status()
        // Set before it runs, so that no end is missed.
        process.terminationHandler = { ended in
            let isSignal = ended.terminationReason == .uncaughtSignal
            let code = isSignal ? 128 + ended.terminationStatus : ended.terminationStatus
            status.value.withLock { $0 = code }
        }
        self.status = status
        deadline = .now + Program.limit
        try process.run()
        identifier = process.processIdentifier
    }

    deinit {
        if status.value.withLock({ $0 }) == nil { kill(identifier, SIGKILL) }
        try? FileManager.default.removeItem(at: folder)
    }

    var output: String { text("output") }
    var errors: String { text("errors") }

    private func text(_ name: String) -> String {
        let data = FileManager.default.contents(atPath: folder.appendingPathComponent(name).path)
        return String(decoding: data ?? Data(), as: UTF8.self)
    }

    func signal(_ number: Int32) { kill(identifier, number) }

    /// Sends a signal as soon as a condition holds for what was printed, from a thread of its
    /// own: other tests may keep Swift's threads busy for longer than the program runs.
    func signal(_ number: Int32, onceOutput condition: @escaping @Sendable (String) -> Bool) {
        Thread.detachNewThread { [self] in
            while status.value.withLock({ $0 }) == nil, ContinuousClock.now < deadline {
                if condition(output) { return signal(number) }
                usleep(5000)
            }
        }
    }

    /// - Returns: The exit status, or 128 and the signal that ended it.
    func waitForEnd() async throws -> Int32 {
        while true {
            if let status = status.value.withLock({ $0 }) { return status }
            try await pause()
        }
    }

    /// Waits until a condition holds for what was printed.
    func wait(untilErrors condition: (String) -> Bool) async throws {
        try await wait { condition(errors) }
    }

    func wait(untilOutput condition: (String) -> Bool) async throws {
        try await wait { condition(output) }
    }

    private func wait(_ condition: () -> Bool) async throws {
        while true {
            let isOver = status.value.withLock { $0 } != nil
            if condition() { return }
            guard !isOver else { throw Hung(description: "it ended; it said: \(errors)") }
            try await pause()
        }
    }

    private func pause() async throws {
        guard ContinuousClock.now < deadline else {
            kill(identifier, SIGKILL)
            throw Hung(description: "it hung; it said: \(errors)")
        }
        try await Task.sleep(for: Self.interval)
    }
}
