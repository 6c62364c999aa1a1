import Archive
import ArchiveTestSupport
import Assembly
import Foundation
import HTTPServer
import LocalTangle
import TestSupport
import Testing

/// What `doctor` finds of clocks, certificates, files and room, each with what to do.
@Suite struct ExaminationTests {
    /// An archive that is well, as the environment says it.
    private static func with(
        _ body: (URL, [String: String]) async throws -> Void
    ) async throws {
        let server = try LocalTangleServer()
        try await TestDatabase.with { database in
            let folder = FileManager.default.temporaryDirectory
                .appendingPathComponent("permanode-doctor-\(UUID().uuidString)")
            try FileManager.default.createDirectory(
                at: folder, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
            defer { try? FileManager.default.removeItem(at: folder) }
            let environment = [
                "PERMANODE_DATABASE_URL": database.url, "PERMANODE_NODES": server.url,
                "PERMANODE_KEYRING": folder.appendingPathComponent("keyring").path,
            ]
            _ = try await Instance.create(try Configuration(environment), now: Date())
            try await body(folder, environment)
        }
        await server.shutdown()
    }

    private static func find(
        _ check: String, _ environment: [String: String], at time: Date = Date()
    ) async throws -> Finding {
        let findings = await Doctor(environment) { time }.examine()
        for finding in findings where [.failing, .warning].contains(finding.state) {
            #expect(finding.advice?.isEmpty == false, "\(finding.check)")
        }
        return try #require(findings.first { $0.check == check }, "\(findings.map(\.check))")
    }

    @Test func aReplicaThatIsNoneOrDoesNotAnswerIsTold() async throws {
        try await Self.with { _, environment in
            var environment = environment
            let url = try #require(environment["PERMANODE_DATABASE_URL"])
            // The primary itself, and nobody.
            environment["PERMANODE_READ_URLS"] = "\(url), postgresql://127.0.0.1:1/archive"
            #expect(try await Self.find("replica 1", environment).state == .failing)
            #expect(try await Self.find("replica 2", environment).state == .warning)
        }
    }

    @Test func aClockThatIsOffIsTold() async throws {
        try await Self.with { _, environment in
            #expect(try await Self.find("clock", environment).state == .well)
            let ahead = try await Self.find(
                "clock", environment, at: Date().addingTimeInterval(300))
            #expect(ahead.state == .failing && ahead.found.contains("s off"))
        }
    }

    @Test func aNameThatIsNoVariableIsTold() async throws {
        try await Self.with { _, environment in
            let more = environment.merging(["PERMANODE_NODE": "x"]) { $1 }
            let finding = try await Self.find("environment", more)
            #expect(finding.state == .warning && finding.found.contains("PERMANODE_NODE"))
        }
    }

    @Test func settingsThatOthersMayReadOrChangeAreTold() async throws {
        try await Self.with { folder, environment in
            let file = folder.appendingPathComponent("environment").path
            try Data("PERMANODE_TOKEN_RATE=1\n".utf8).write(to: URL(fileURLWithPath: file))
            let more = environment.merging(["PERMANODE_ENVIRONMENT_FILE": file]) { $1 }
            for (mode, state) in [
                (0o640, Finding.State.well), (0o644, .warning), (0o660, .failing),
            ] {
                #expect(chmod(file, mode_t(mode)) == 0)
                #expect(try await Self.find("settings", more).state == state)
            }
        }
    }

    @Test func aFolderInWhichOthersMayReplaceTheKeyRingIsTold() async throws {
        try await Self.with { folder, environment in
            let owner = try await Self.find("key ring's owner", environment)
            #expect(owner.state == .well)
            for (mode, state) in [(0o700, Finding.State.well), (0o777, .failing)] {
                #expect(chmod(folder.path, mode_t(mode)) == 0)
                let found = try await Self.find("key ring's folder", environment)
                #expect(found.state == state)
            }
        }
    }

    @Test func aCertificateThatIsNearItsEndAndAKeyForAllAreTold() async throws {
        try await Self.with { folder, environment in
            func file(_ name: String, _ text: String) throws -> String {
                let path = folder.appendingPathComponent(name).path
                try Data(text.utf8).write(to: URL(fileURLWithPath: path))
                #expect(chmod(path, 0o600) == 0)
                return path
            }
            let key = try file("key.pem", TestCertificate.key)
            let more = environment.merging([
                "PERMANODE_TLS_CERT": try file("cert.pem", TestCertificate.certificate),
                "PERMANODE_TLS_KEY": key,
            ]) { $1 }
            #expect(try await Self.find("TLS certificate", more).state == .well)
            #expect(try await Self.find("TLS key", more).state == .well)
            let tls = HTTPTLS(
                certificate: Array(TestCertificate.certificate.utf8),
                key: Array(TestCertificate.key.utf8))
            let end = try #require(try tls.expiry())
            let near = try await Self.find(
                "TLS certificate", more, at: end.addingTimeInterval(-86_400 * 3))
            #expect(near.state == .warning)
            let over = try await Self.find(
                "TLS certificate", more, at: end.addingTimeInterval(86_400 * 3))
            #expect(over.state == .failing)
            #expect(chmod(key, 0o644) == 0)
            #expect(try await Self.find("TLS key", more).state == .failing)
            _ = try file("key.pem", TestCertificate.otherKey)
            #expect(try await Self.find("TLS certificate", more).state == .failing)
        }
    }

    @Test func whetherRoomIsKeptInTheDatabaseIsTold() async throws {
        try await Self.with { _, environment in
            let some = environment.merging(["PERMANODE_DISK_RESERVE": "1M"]) { $1 }
            #expect(try await Self.find("database's disk", some).state == .warning)
            try await Instance.with(try Configuration(some)) {
                try await $0.archive.keepReserve(1 << 20)
            }
            #expect(try await Self.find("database's disk", some).state == .well)
        }
    }
}
