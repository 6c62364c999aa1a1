import Foundation
import TestSupport
import Testing

/// SIGHUP, and what a service manager is told, of the real binary.
@Suite(.timeLimit(.minutes(10))) struct ReloadTests {
    private static let curl = "/usr/bin/curl"
    private static var hasCurl: Bool { FileManager.default.isExecutableFile(atPath: curl) }

    /// A service that runs with a file of variables, its manager, and ways to ask it.
    private struct Supervised {
        let place: Workplace
        let manager: NotifyReceiver
        let program: RunningProgram
        let file: String

        init(_ place: Workplace, _ variables: [String: String], roles: String) async throws {
            self.place = place
            let name = NotifyReceiver.freeName(abstract: true)
            manager = try NotifyReceiver(name)
            place.set("NOTIFY_SOCKET", name)
            place.set("WATCHDOG_USEC", "400000")
            file = try place.file("environment", Self.text(variables))
            place.set("PERMANODE_ENVIRONMENT_FILE", file)
            program = try place.start("serve", "--roles", roles)
            let messages = try await manager.wait(for: "READY=1")
            #expect(messages.count == 1)
        }

        private static func text(_ variables: [String: String]) -> String {
            variables.map { "\($0)=\($1)\n" }.joined()
        }

        /// - Returns: When it is done with that.
        func reload(_ variables: [String: String]) async throws {
            try Data(Self.text(variables).utf8).write(to: URL(fileURLWithPath: file))
            program.signal(SIGHUP)
            let messages = try await manager.wait(for: "READY=1")
            let reloading = messages.flatMap { $0 }
            #expect(reloading.contains("RELOADING=1"))
            #expect(reloading.contains { $0.hasPrefix("MONOTONIC_USEC=") })
        }

        var url: String {
            get throws {
                String(
                    try #require(
                        program.errors.firstMatch(of: /api: listening url=(\S+)/)?.output.1))
            }
        }

        func stop() async throws {
            program.signal(SIGTERM)
            _ = try await manager.wait(for: "STOPPING=1")
            #expect(try await program.waitForEnd() == 0)
            place.record([program.output, program.errors])
        }
    }

    /// What curl prints, and its exit status.
    private static func curl(_ arguments: String...) async throws -> (status: Int32, text: String) {
        let program = try RunningProgram(
            path: curl, arguments: ["-sS", "--max-time", "30"] + arguments, environment: [:],
            input: "")
        return (try await program.waitForEnd(), program.output)
    }

    private static func waitUntil(_ condition: () async throws -> Bool) async throws {
        while try await !condition() { try await Task.sleep(for: .milliseconds(50)) }
    }

    @Test(.enabled(if: hasCurl)) func nodesLimitsAndTheCertificateAreTakenUp() async throws {
        try await Workplace.withArchive { place in
            let node = try await place.startNode()
            let nodeURL = try #require(place.environment["PERMANODE_NODES"])
            place.set("PERMANODE_NODES", nil)
            let first = try place.file("first.pem", TestCertificate.certificate)
            let second = try place.file("second.pem", TestCertificate.otherCertificate)
            let certificate = try place.file("certificate.pem", TestCertificate.certificate)
            let key = try place.file("key.pem", TestCertificate.key)
            var variables = [
                "PERMANODE_NODES": "http://127.0.0.1:1", "PERMANODE_TLS_CERT": certificate,
                "PERMANODE_TLS_KEY": key,
            ]
            let service = try await Supervised(place, variables, roles: "crawler,api")
            let url = try service.url
            #expect(try await Self.curl("--cacert", first, url + "/healthz").text == "ok\n")

            _ = try place.file("certificate.pem", TestCertificate.otherCertificate)
            _ = try place.file("key.pem", TestCertificate.otherKey)
            variables["PERMANODE_NODES"] = nodeURL
            variables["PERMANODE_ADDRESS_RATE"] = "1"
            // One that a running service cannot take up.
            variables["PERMANODE_FORGET_DELAY"] = "7"
            try await service.reload(variables)
            #expect(try await Self.curl("--cacert", first, url + "/healthz").status != 0)
            #expect(try await Self.curl("--cacert", second, url + "/healthz").text == "ok\n")
            #expect(service.program.errors.contains("variables=PERMANODE_FORGET_DELAY"))
            // Of two hundred a second one is left, and ten saved up.
            var statuses: Set<String> = []
            for _ in 0..<30 {
                statuses.insert(
                    try await Self.curl(
                        "--cacert", second, "-o", "/dev/null", "-w", "%{http_code}",
                        url + "/v1/channels"
                    ).text)
            }
            #expect(statuses.contains("429"))
            let id = try await place.add(ChannelVector.named("public"))
            try await Self.waitUntil {
                try await !place.run("messages", id, "--format", "ndjson").lines.isEmpty
            }
            try await service.stop()
            node.signal(SIGTERM)
            _ = try await node.waitForEnd()
        }
    }

    @Test(.enabled(if: hasCurl)) func aBrokenConfigurationChangesNothingAndIsToldAtOnce()
        async throws
    {
        try await Workplace.withArchive { place in
            let sound = [
                "PERMANODE_NODES": "http://127.0.0.1:1", "PERMANODE_LOG_LEVEL": "debug",
            ]
            let service = try await Supervised(place, sound, roles: "crawler,api,eraser")
            let url = try service.url
            try await service.reload([
                "PERMANODE_NODES": "ftp://s3cret.example.org", "PERMANODE_TOKEN_RATE": "s3cret",
                "PERMANODE_NODE": "s3cret", "PERMANODE_LOG_LEVEL": "error",
            ])
            let errors = service.program.errors
            #expect(errors.contains("all stays as it was"))
            for name in ["NODES has no usable", "TOKEN_RATE is no", "ENVIRONMENT_FILE names an"] {
                #expect(errors.contains("PERMANODE_" + name), "\(name)")
            }
            #expect(!errors.contains("s3cret"))
            #expect(
                try await Self.curl(url + "/metrics").text.contains("permanode_reload_refused 1"))
            // The level is as it was, too: requests are told at `info`.
            #expect(service.program.errors.contains("route=/metrics"))
            try await service.reload(sound)
            #expect(service.program.errors.contains("the configuration was taken up"))
            #expect(
                try await Self.curl(url + "/metrics").text.contains("permanode_reload_refused 0"))
            try await service.stop()
        }
    }

    @Test func theManagerHearsOfLifeFromEveryRole() async throws {
        try await Workplace.withArchive { place in
            let service = try await Supervised(
                place, ["PERMANODE_NODES": "http://127.0.0.1:1"], roles: "crawler,api,eraser")
            for _ in 0..<3 { _ = try await service.manager.wait(for: "WATCHDOG=1") }
            try await service.stop()
        }
    }

    @Test(.enabled(if: hasCurl)) func aRoleWithoutTheInterfaceAnswersProbesWhereItIsAsked()
        async throws
    {
        try await Workplace.withArchive { place in
            let service = try await Supervised(
                place, ["PERMANODE_PROBE_LISTEN": "127.0.0.1:0"], roles: "eraser")
            let url = String(
                try #require(
                    service.program.errors.firstMatch(of: /probes: listening url=(\S+)/)?.output.1
                ))
            #expect(try await Self.curl(url + "/healthz").text == "ok\n")
            #expect(try await Self.curl(url + "/readyz").text.contains(#""ready":true"#))
            #expect(
                try await Self.curl(url + "/metrics").text
                    .contains("permanode_part_silence_seconds{part=\"eraser\"}"))
            let other = try await Self.curl(
                "-o", "/dev/null", "-w", "%{http_code}", url + "/v1/channels")
            #expect(other.text == "404")
            try await service.stop()
        }
    }
}
