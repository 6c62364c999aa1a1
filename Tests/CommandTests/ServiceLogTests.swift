import Foundation
import TestSupport
import Testing

/// What the service writes while people use it: a JSON object a line, with request ids, and nothing of
/// anybody.
@Suite(.timeLimit(.minutes(10))) struct ServiceLogTests {
    private struct Line: Decodable {
        let time: String, level: String, component: String, message: String
        let fields: [String: Value]

        enum Value: Decodable {
            case text(String), other

            init(from decoder: any Decoder) throws {
                let container = try decoder.singleValueContainer()
                if let text = try? container.decode(String.self) {
                    self = .text(text)
                } else {
                    self = .other
                }
            }
        }

        func text(_ field: String) -> String? {
            if case .text(let text) = fields[field] { text } else { nil }
        }
    }

    private static let curl = "/usr/bin/curl"
    private static var hasCurl: Bool { FileManager.default.isExecutableFile(atPath: curl) }

    /// A request's answer with its header.
    private static func ask(_ place: Workplace, _ token: String, _ arguments: String...)
        async throws -> String
    {
        // The token stands in a file, as it should everywhere.
        let header = try place.file("header", "Authorization: Bearer \(token)\n")
        let program = try RunningProgram(
            path: curl,
            arguments: ["-sS", "-i", "--max-time", "30", "-H", "@\(header)"] + arguments,
            environment: [:], input: "")
        #expect(try await program.waitForEnd() == 0)
        return program.output
    }

    @Test(.enabled(if: hasCurl)) func everyLineIsAnObjectWithRequestIdsAndWithoutPersonalData()
        async throws
    {
        try await Workplace.with { place in
            place.set("PERMANODE_LOG_FORMAT", "json")
            place.set("PERMANODE_LOG_LEVEL", "debug")
            place.set("PERMANODE_FORGET_DELAY", "0")
            let made = try await Program(environment: place.environment).run("init")
            let token = try #require(made.lines.last)
            place.keepSecret(token)
            let node = try await place.startNode()
            let vector = try ChannelVector.named("meter")
            // What people are called, and call things, is no more to be told than secrets are.
            let personal = ["household-of-anna", "annas-kitchen-meter", "she-moved-to-paris"]
            let id = try await place.add(
                vector, "--subject", personal[0], "--label", personal[1])
            let service = try place.start("serve")
            try await service.wait(untilErrors: { $0.contains(#""message":"listening""#) })
            let port = try #require(
                service.errors.firstMatch(of: /http:\/\/127\.0\.0\.1:(\d+)/)?.output.1)
            let url = "http://127.0.0.1:\(port)"
            try await service.wait(untilErrors: { $0.contains(#""message":"took in""#) })
            var ids: [String] = []
            for path in [
                "/v1/channels", "/v1/channels/\(id)/messages", "/v1/channels/zzzzzzzzzz",
                "/v1/channels?\(personal[1])=1", "/\(personal[0])",
            ] {
                let answer = try await Self.ask(place, token, url + path)
                ids.append(
                    String(
                        try #require(
                            answer.firstMatch(of: /(?i)x-request-id: ([0-9a-f]{16})/)?.output.1)))
            }
            let body = #"{"subject":"\#(personal[0])","reason":"\#(personal[2])"}"#
            let asked = try await Self.ask(
                place, token, "-X", "POST", "-H", "Content-Type: application/json", "-d", body,
                url + "/v1/forget-requests")
            #expect(asked.contains("202"))
            _ = try await Self.ask(place, "wrong-\(token)", url + "/v1/channels")
            service.signal(SIGTERM)
            #expect(try await service.waitForEnd() == 0)
            place.record([service.errors])

            let lines = service.errors.split(separator: "\n")
            #expect(lines.count > 10)
            var told: Set<String> = []
            for line in lines {
                let line = try JSONDecoder().decode(Line.self, from: Data(line.utf8))
                #expect(!line.message.isEmpty && !line.component.isEmpty)
                #expect(["debug", "info", "warning", "error"].contains(line.level))
                #expect(line.time.hasSuffix("Z"))
                if line.message == "request" { told.insert(try #require(line.text("request"))) }
            }
            #expect(told.isSuperset(of: ids))
            // What every telegram begins with.
            let beginning = "ISK5"
            #expect(vector.messages.allSatisfy { $0.text?.contains(beginning) == true })
            for text in personal + [beginning] {
                #expect(!service.errors.contains(text), "\(text)")
            }
            node.signal(SIGTERM)
            _ = try await node.waitForEnd()
        }
    }

    @Test func allThatIsWrongWithTheConfigurationIsToldBeforeAnythingBegins() async throws {
        try await Workplace.with { place in
            place.set("PERMANODE_NODES", "ftp://s3cret")
            place.set("PERMANODE_TOKEN_RATE", "s3cret")
            place.set("PERMANODE_DISK_RESERVE", "s3cret")
            place.set("PERMANODE_KEYRING", nil)
            let result = try await place.run("serve")
            #expect(result.status == 2)
            for name in ["NODES", "TOKEN_RATE", "DISK_RESERVE", "KEYRING"] {
                #expect(result.errors.contains("PERMANODE_\(name) "), "\(name)")
            }
            #expect(result.errors.split(separator: "\n").count == 1)
            #expect(!result.errors.contains("s3cret"))
        }
    }
}
