import Assembly
import Diagnostics
import Foundation
import QueryAPI
import Testing

/// Variables from a file, which can be read again.
@Suite struct EnvironmentFileTests {
    private func with<Value>(_ text: String, _ body: (String) throws -> Value) throws -> Value {
        let path = FileManager.default.temporaryDirectory
            .appendingPathComponent("permanode-environment-\(UUID().uuidString)").path
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try body(path)
    }

    @Test func whatTheFileSaysComesBeforeTheEnvironment() throws {
        let text = """
            # a comment
            ; another

            PERMANODE_NODES = "http://one.example.org:14265"\r
            PERMANODE_TOKEN_RATE='7'
            PERMANODE_LISTEN=127.0.0.1:1
            PERMANODE_KEYRING=
            """
        try with(text) { path in
            let configuration = try Configuration([
                "PERMANODE_ENVIRONMENT_FILE": path, "PERMANODE_LISTEN": "127.0.0.1:2",
                "PERMANODE_LOG_FORMAT": "json",
            ])
            #expect(configuration.nodes.count == 1)
            #expect(configuration.requestRates.ofToken.perSecond == 7)
            #expect(configuration.listen.port == 1)
            #expect(configuration.logFormat == .json)
            #expect(configuration.keyRing == nil)
        }
        let empty = try with("") { try Configuration(["PERMANODE_ENVIRONMENT_FILE": $0]) }
        #expect(empty.nodes.isEmpty)
    }

    @Test func everyFaultOfTheFileIsToldBesideTheOthersAndNoValueIsRepeated() throws {
        let text = """
            PERMANODE_NODE=s3cret
            s3cret
            PERMANODE_LISTEN=s3cret
            PERMANODE_TOKEN_RATE=1
            PERMANODE_TOKEN_RATE=s3cret
            PATH=s3cret
            """
        let error = try with(text) { path in
            try #require(throws: ConfigurationError.self) {
                try Configuration(["PERMANODE_ENVIRONMENT_FILE": path])
            }
        }
        #expect(
            error.problems.map(\.variable)
                == Array(repeating: .environmentFile, count: 4) + [.listen])
        for line in [1, 2, 5, 6] { #expect(error.operatorText.contains("line \(line)")) }
        #expect(!error.operatorText.contains("s3cret"))
    }

    @Test func aFileThatIsNotThereOrTooLongIsAProblem() throws {
        let missing = try #require(throws: ConfigurationError.self) {
            try Configuration(["PERMANODE_ENVIRONMENT_FILE": "/nonexistent/file"])
        }
        #expect(missing.problems.map(\.fault) == [.unreadableFile])
        let long = String(repeating: "# nothing\n", count: 30_000)
        try with(long) { path in
            _ = #expect(throws: ConfigurationError.self) {
                try Configuration(["PERMANODE_ENVIRONMENT_FILE": path])
            }
        }
    }

    @Test func whatSaysSomethingElseThanBeforeIsKnown() throws {
        let first = try Configuration(["PERMANODE_TOKEN_RATE": "1", "PERMANODE_NODE_RATE": "1"])
        let second = try Configuration([
            "PERMANODE_TOKEN_RATE": " 1 ", "PERMANODE_NODE_RATE": "2",
            "PERMANODE_LOG_LEVEL": "debug",
        ])
        #expect(second.changes(since: first) == [.nodeRate, .logLevel])
        #expect(first.changes(since: first).isEmpty)
    }
}
