import Foundation
import Postgres
import TestSupport
import Testing

/// `init`, `migrate` and what they refuse.
@Suite struct InstallationTests {
    @Test func initMakesAnArchiveOnceAndPrintsOneToken() async throws {
        try await Workplace.with { place in
            let made = try await place.run("init", "--json")
            #expect(made.status == 0, "\(made.errors)")
            struct Made: Decodable { let token: String }
            #expect(try made.json(Made.self).token.hasPrefix("pmn_"))
            let mode =
                try FileManager.default
                .attributesOfItem(atPath: place.keyRing)[.posixPermissions] as? NSNumber
            #expect(mode?.intValue == 0o600)
            let ring = try Data(contentsOf: URL(fileURLWithPath: place.keyRing))

            let again = try await place.run("init")
            #expect(again.status == 4)
            #expect(again.output.isEmpty)
            #expect(try Data(contentsOf: URL(fileURLWithPath: place.keyRing)) == ring)

            // Another key ring for the same database would take forgotten roots again.
            place.set("PERMANODE_KEYRING", place.folder.appendingPathComponent("other").path)
            let other = try await place.run("init")
            #expect(other.status == 4)
            #expect(!FileManager.default.fileExists(atPath: place.keyRing))

            let tokens = try await Self.count("token", place)
            #expect(tokens == 1)
        }
    }

    @Test func aKeyRingThatOthersCanReadIsRefused() async throws {
        try await Workplace.withArchive { place in
            try FileManager.default.setAttributes(
                [.posixPermissions: NSNumber(value: 0o640)], ofItemAtPath: place.keyRing)
            let result = try await place.run("channel", "list")
            #expect(result.status == 4)
            #expect(result.errors.contains("chmod 600"))
        }
    }

    @Test func withoutAnArchiveCommandsSayWhatToDo() async throws {
        try await Workplace.with { place in
            let result = try await place.run("channel", "list")
            #expect(result.status == 3)
            #expect(result.errors.contains("permanode init"))
        }
    }

    @Test func migrateAppliesWhatIsMissingAndRefusesANewerDatabase() async throws {
        try await Workplace.with { place in
            struct Migrated: Decodable {
                let applied: [Int]
                let version: Int
            }
            let first = try await place.run("migrate", "--json").json(Migrated.self)
            #expect(first.applied.last == first.version)
            #expect(!first.applied.isEmpty)
            let second = try await place.run("migrate", "--json").json(Migrated.self)
            #expect(second.applied.isEmpty)
            try await Self.execute(
                """
                insert into permanode_schema (version, name, checksum)
                values (999, 'V0999_later', '\\x00')
                """, place)
            for command in [["migrate"], ["channel", "list"], ["init"]] {
                if command == ["channel", "list"] { continue }
                let result = try await Program(environment: place.environment).run(command)
                #expect(result.status == 4, "\(command)")
                #expect(result.errors.contains("999"))
            }
        }
    }

    @Test func aDatabaseThatIsAwayIsAFailure() async throws {
        try await Workplace.with { place in
            place.set("PERMANODE_DATABASE_URL", "postgresql:///x?host=\(place.folder.path)")
            let result = try await place.run("migrate")
            #expect(result.status == 1)
            #expect(result.errors.split(separator: "\n").count == 1)
        }
    }

    @Test func tokensAreMadeListedAndRevoked() async throws {
        try await Workplace.withArchive { place in
            let channel = try await place.add(ChannelVector.named("public"))
            struct Made: Decodable { let id: String, token: String, channels: [String] }
            let result = try await Program(environment: place.environment).run(
                "token", "create", "--role", "reader", "--channel", channel, "--json")
            let made = try result.json(Made.self)
            place.keepSecret(made.token)
            #expect(made.channels == [channel])
            struct Listed: Decodable { let id: String, role: String, revokedAt: String? }
            let list = try await place.run("token", "list", "--json").json([Listed].self)
            #expect(list.map(\.role).sorted() == ["admin", "reader"])
            #expect(try await place.run("token", "revoke", made.id).status == 0)
            let after = try await place.run("token", "list", "--json").json([Listed].self)
            #expect(after.filter { $0.revokedAt != nil }.map(\.id) == [made.id])
            #expect(try await place.run("token", "revoke", "0000000000").status == 3)
            #expect(try await place.run("token", "list").output.contains(made.id))
        }
    }

    private static func execute(_ sql: String, _ place: Workplace) async throws {
        let connection = try await PostgresConnection.connect(place.database.configuration())
        defer { Task { await connection.close() } }
        try await connection.execute(sql)
    }

    private static func count(_ table: String, _ place: Workplace) async throws -> Int64? {
        let connection = try await PostgresConnection.connect(place.database.configuration())
        defer { Task { await connection.close() } }
        return try await connection.query("select count(*) as n from \(table)").first?.int64("n")
    }
}
