import Foundation
import Testing

/// How commands are called, without anything behind them.
@Suite struct UsageTests {
    @Test func helpTellsOfEveryCommand() async throws {
        let help = try await Program().run("--help")
        #expect(help.status == 0)
        #expect(help.errors.isEmpty)
        let names = help.lines.filter { $0.hasPrefix("  ") }.map {
            $0.dropFirst(2).prefix { $0 != "." }.split(separator: "  ")[0]
        }
        #expect(names.count >= 25)
        for name in names {
            let words = name.split(separator: " ").map(String.init)
            let result = try await Program().run(words + ["--help"])
            #expect(result.status == 0)
            #expect(result.output.hasPrefix("usage: permanode \(name)"), "\(name)")
            #expect(try await Program().run(["help"] + words).output == result.output)
            #expect(result.errors.isEmpty)
        }
        let group = try await Program().run("channel", "--help")
        #expect(group.status == 0)
        #expect(group.lines.filter { $0.hasPrefix("  channel ") }.count >= 6)
    }

    @Test(arguments: [
        [], ["nothing"], ["channel"], ["channel", "nothing"], ["crawl", "--unknown"],
        ["crawl", "operand"], ["crawl", "--until-idle=yes"], ["messages"], ["messages", "a", "b"],
        ["channel", "add"], ["channel", "add", "--mode"],
        ["channel", "add", "--mode", "public", "--mode", "public", "--root-file", "-"],
        ["channel", "add", "--mode", "secret", "--root-file", "-"],
        ["channel", "add", "--mode", "restricted", "--root-file", "-", "--side-key-file", "-"],
        ["messages", "0000000000", "--limit", "0"], ["messages", "0000000000", "--limit", "x"],
        ["messages", "0000000000", "--from", "yesterday"],
        ["messages", "0000000000", "--format", "xml"], ["token", "create", "--role", "owner"],
        ["token", "create", "--role", "reader"],
        ["token", "create", "--role", "admin", "--channel", "0000000000"], ["forget"],
        ["forget", "--subject", "s", "--channel", "0000000000"], ["import"],
        ["serve", "--roles", "crawler,cook"], ["local-tangle", "--port", "70000"],
        ["init"], ["migrate"], ["serve"], ["channel", "list"],
    ])
    func wrongUseIsToldInOneLineWithExitCode2(_ arguments: [String]) async throws {
        let result = try await Program().run(arguments, input: "not a root")
        #expect(result.status == 2)
        #expect(result.output.isEmpty)
        #expect(result.errors.hasPrefix("permanode"))
        #expect(result.errors.split(separator: "\n").count == 1)
    }

    @Test func whatIsNoIdNamesNothing() async throws {
        for arguments in [
            ["channel", "show", "short"], ["messages", "IIIIIIIIII"], ["channel", "pause", "x"],
            ["token", "revoke", "x"], ["key", "add", "--channel", "x", "--side-key-file", "-"],
            ["forget", "--channel", "x", "--yes"], ["verify", "--channel", "x"],
            ["token", "create", "--role", "reader", "--channel", "x"],
            ["channel", "add", "--mode", "public", "--root-file", "/nowhere/root"],
        ] {
            let result = try await Program().run(arguments)
            #expect(result.status == 3, "\(arguments)")
            #expect(result.errors.split(separator: "\n").count == 1)
        }
    }

    /// A root given where a name of a file, an id or an option belongs must not come back.
    @Test func whatIsGivenInTheWrongPlaceIsNotRepeated() async throws {
        let root = String(repeating: "ROOT9TEST", count: 9)
        for arguments in [
            [root], ["channel", root], ["channel", "add", root], ["channel", "show", root],
            ["channel", "add", "--root-file", root, "--mode", "public"],
            ["channel", "add", "--root=\(root)"], ["channel", "add", "--\(root)"],
            ["channel", "add", "--mode", root, "--root-file", "-"], ["crawl", "-\(root)"],
            ["messages", "0000000000", "--after", root], ["token", "revoke", root],
            ["channel", "add", "--root-file", "-", "--mode", "public"],
        ] {
            // One tryte too many.
            let result = try await Program().run(arguments, input: root + "9")
            #expect(result.status == 2 || result.status == 3, "\(arguments.count) arguments")
            #expect(!(result.output + result.errors).contains(root))
        }
    }

    @Test(arguments: ["", "\n", "9", "lower", String(repeating: "A", count: 82), "\u{0}"])
    func whatIsNoRootIsRefused(_ content: String) async throws {
        let result = try await Program().run(
            "channel", "add", "--mode", "public", "--root-file", "-", input: content)
        #expect(result.status == 2)
        #expect(result.errors.contains("--root-file"))
    }

    @Test func environmentFaultsAreToldTogether() async throws {
        let program = Program(environment: [
            "PERMANODE_NODES": "gopher://node", "PERMANODE_LISTEN": "here",
            "PERMANODE_LOG_FORMAT": "xml",
        ])
        let result = try await program.run("serve")
        #expect(result.status == 2)
        for name in ["DATABASE_URL", "KEYRING", "NODES", "LISTEN", "LOG_FORMAT"] {
            #expect(result.errors.contains("PERMANODE_\(name)"))
        }
        #expect(result.errors.split(separator: "\n").count == 1)
    }

    @Test func listeningBeyondLoopbackInPlainTextIsRefused() async throws {
        let program = Program(environment: [
            "PERMANODE_DATABASE_URL": "postgresql:///none?host=/nowhere",
            "PERMANODE_KEYRING": "/nowhere/keyring", "PERMANODE_NODES": "http://127.0.0.1:1",
            "PERMANODE_LISTEN": "0.0.0.0:0",
        ])
        let result = try await program.run("serve")
        #expect(result.status == 4)
        #expect(result.errors.contains("PERMANODE_TLS_CERT"))
    }
}
