import Foundation
import Postgres
import TestSupport
import Testing

/// Audit, recipients and export by command.
@Suite struct PeopleTests {
    /// An archive with a crawled channel of anna's.
    private func withMeter(_ body: (Workplace, ChannelVector, String) async throws -> Void)
        async throws
    {
        try await Workplace.withArchive { place in
            let node = try await place.startNode()
            defer { node.signal(SIGTERM) }
            let vector = try ChannelVector.named("meter")
            let id = try await place.add(
                vector, "--subject", "anna", "--label", "=cmd|' /C calc'!A0", "--purpose",
                "billing",
                "--basis", "consent")
            let crawled = try await place.run("crawl", "--until-idle")
            try #require(crawled.status == 0, "\(crawled.errors)")
            try await body(place, vector, id)
        }
    }

    private struct Entry: Decodable {
        let kind: String
        let actor: String?
        let details: [String: String]?
        let missing: String?
    }

    private func entries(_ place: Workplace, _ more: String...) async throws -> [Entry] {
        let listed = try await Program(environment: place.environment).run(
            ["audit", "list", "--json"] + more)
        try #require(listed.status == 0, "\(listed.errors)")
        return try listed.lines.map { try JSONDecoder().decode(Entry.self, from: Data($0.utf8)) }
    }

    @Test func theLogOutlivesAForgetAndShowsTampering() async throws {
        try await withMeter { place, vector, id in
            #expect(try await place.run("messages", id).lines.count == vector.messages.count)
            let readers = try await place.run("channel", "readers", id)
            #expect(readers.output.contains("operator"))
            #expect(readers.output.contains("\(vector.messages.count)"))
            let kinds = try await entries(place, "--channel", id).map(\.kind)
            #expect(kinds.first == "channel.added")
            #expect(kinds.last == "messages.read")
            let heads = try await place.run("audit", "heads")
            #expect(heads.lines.count >= 3)
            let file = try place.file("heads", heads.output)
            #expect(try await place.run("audit", "verify", "--heads", file).status == 0)

            #expect(try await place.run("forget", "--channel", id, "--yes").status == 0)
            let left = try await entries(place, "--channel", id)
            #expect(left.count >= kinds.count)
            #expect(left.allSatisfy { $0.missing == "forgotten" && $0.details == nil })
            #expect(try await entries(place).map(\.kind).contains("forget.done"))
            let verified = try await place.run("audit", "verify", "--heads", file)
            #expect(verified.status == 0, "\(verified.output)")

            try await place.database.tamper(
                """
                delete from audit_entry where (writer, number) = (
                    select writer, max(number) from audit_entry
                    group by writer order by count(*) desc limit 1)
                """)
            let cut = try await place.run("audit", "verify", "--heads", "-", input: heads.output)
            #expect(cut.status == 1)
            #expect(cut.output.contains("cut-off"))
        }
    }

    @Test func readersAreGivenPartsAndTheOwnerSeesIt() async throws {
        try await withMeter { place, _, id in
            let address = String(repeating: "P", count: 81)
            let made = try await place.run(
                "token", "create", "--role", "reader", "--address", address)
            #expect(made.status == 0, "\(made.errors)")
            let listed = try await place.run("token", "list", "--json")
            #expect(listed.output.contains(address))
            let token = try #require(made.lines.last?.dropFirst(4).prefix(10)).description
            let added = try await place.run(
                "grant", "add", "--token", token, "--channel", id, "--purpose", "advice",
                "--first-position", "2", "--until", "2100-01-01T00:00:00Z")
            #expect(added.status == 0, "\(added.errors)")
            let grant = try #require(added.lines.last)
            let grants = try await place.run("grant", "list", "--channel", id)
            #expect(grants.output.contains(grant) && grants.output.contains("advice"))
            #expect(try await place.run("grant", "revoke", grant).status == 0)
            #expect(try await place.run("grant", "list", "--json").output.contains("revokedAt"))
            for (wrong, status) in [
                (["grant", "revoke", "0123456789"], 3),
                (
                    [
                        "grant", "add", "--token", token, "--channel", "0123456789", "--purpose",
                        "x",
                    ], 3
                ),
                (
                    [
                        "grant", "add", "--token", token, "--channel", id, "--purpose", "x",
                        "--first-position", "3", "--last-position", "2",
                    ], 2
                ),
                (["token", "create", "--role", "admin", "--address", address], 2),
                (["token", "create", "--role", "reader", "--address", "x"], 2),
                (["access-log", "--subject", "nobody"], 3),
            ] {
                let result = try await Program(environment: place.environment).run(wrong)
                #expect(result.status == Int32(status), "\(wrong): \(result.errors)")
            }
            #expect(try await place.run("messages", id).status == 0)
            let log = try await place.run("access-log", "--subject", "anna")
            for kind in ["token.granted", "grant.revoked", "messages.read", "advice"] {
                #expect(log.output.contains(kind), "\(kind)")
            }
            let json = try await place.run("access-log", "--subject", "anna", "--json")
            #expect(json.lines.count == log.lines.count)
        }
    }

    @Test func whatIsOthersDataTooIsNotForgottenUnasked() async throws {
        try await withMeter { place, vector, id in
            #expect(
                try await place.run("channel", "set", id, "--add-subject", "ben").status == 0)
            let shown = try await place.run("channel", "show", id)
            #expect(shown.output.contains("anna") && shown.output.contains("ben"))
            for wrong in [
                ["channel", "set", id],
                ["channel", "set", id, "--add-subject", "x", "--remove-subject", "x"],
                ["forget", "--subject", "anna", "--including-shared", "--leaving-shared", "--yes"],
                ["forget", "--channel", id, "--leaving-shared", "--yes"],
            ] {
                let result = try await Program(environment: place.environment).run(wrong)
                #expect(result.status == 2, "\(wrong)")
            }
            #expect(
                try await place.run("channel", "set", id, "--remove-subject", "carl").status == 3)

            struct Plan: Decodable { let channels: Int, shared: [String] }
            let plan = try await place.run("forget", "--subject", "anna", "--dry-run", "--json")
            #expect(plan.status == 0)
            #expect(try plan.json(Plan.self).shared == [id])
            #expect(
                try await place.run("forget", "--subject", "anna", "--dry-run").output
                    .contains(id))
            let refused = try await place.run("forget", "--subject", "anna", "--yes")
            #expect(refused.status == 4)
            #expect(refused.errors.contains(id))
            #expect(try await place.run("messages", id).lines.count == vector.messages.count)

            let left = try await place.run(
                "forget", "--subject", "anna", "--leaving-shared", "--yes")
            #expect(left.status == 0, "\(left.errors)")
            #expect(try await place.run("messages", id).lines.count == vector.messages.count)
            #expect(try await place.run("forget", "--subject", "anna", "--dry-run").status == 3)
            #expect(
                try await place.run("channel", "set", id, "--add-subject", "carl").status == 0)
            let all = try await place.run(
                "forget", "--subject", "ben", "--including-shared", "--yes")
            #expect(all.status == 0, "\(all.errors)")
            #expect(try await place.run("messages", id).status == 3)
        }
    }

    @Test func consentGivenAnewLiftsATombstone() async throws {
        try await Workplace.withArchive { place in
            let vector = try ChannelVector.named("private")
            let id = try await place.add(vector)
            let root = try place.file("root", vector.messages[0].root)
            let lift = ["tombstone", "lift", "--root-file", root, "--reason", "signed again"]
            let none = try await Program(environment: place.environment).run(lift)
            #expect(none.status == 3)
            #expect(try await place.run("forget", "--channel", id, "--yes").status == 0)
            let add = ["channel", "add", "--mode", "private", "--root-file", root]
            #expect(try await Program(environment: place.environment).run(add).status == 4)
            #expect(try await place.run("tombstone", "lift", "--root-file", root).status == 2)
            let lifted = try await Program(environment: place.environment).run(lift)
            #expect(lifted.status == 0, "\(lifted.errors)")
            #expect(try await Program(environment: place.environment).run(lift).status == 3)
            #expect(try await place.run("restore-check").output.contains("agree"))
            let again = try await Program(environment: place.environment).run(add)
            #expect(again.status == 0, "\(again.errors)")
            #expect(again.lines.last != id)
            let acts = try await entries(place).filter { $0.kind == "tombstone.lifted" }
            #expect(acts.map { $0.details?["reason"] } == ["signed again"])
        }
    }

    @Test func headsThatAreNoneAreRefused() async throws {
        try await Workplace.withArchive { place in
            let wrong = try await place.run("audit", "verify", "--heads", "-", input: "{}\n")
            #expect(wrong.status == 2)
            let missing = try await place.run("audit", "verify", "--heads", "/nonexistent")
            #expect(missing.status == 3)
            #expect(try await entries(place).map(\.kind) == ["archive.made", "token.created"])
            #expect(try await place.run("audit", "verify").status == 0)
        }
    }

    private struct Manifest: Decodable {
        struct File: Decodable { let name: String, records: Int, bytes: Int, sha256: String }
        struct Counts: Decodable { let channels: Int, messages: Int }
        let subject: String
        let counts: Counts
        let files: [File]
    }

    @Test func anExportIsWholeAndItsManifestTrue() async throws {
        try await withMeter { place, vector, id in
            let folder = place.folder.appendingPathComponent("anna")
            let done = try await place.run("export", "--subject", "anna", "--to", folder.path)
            #expect(done.status == 0, "\(done.errors)")
            let manifest = try JSONDecoder().decode(
                Manifest.self,
                from: Data(contentsOf: folder.appendingPathComponent("manifest.json")))
            #expect(manifest.subject == "anna")
            #expect(manifest.counts.messages == vector.messages.count)
            let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            #expect(Set(names) == Set(manifest.files.map(\.name) + ["manifest.json"]))
            #expect(names.count >= 6)
            for file in manifest.files {
                let path = folder.appendingPathComponent(file.name).path
                let data = try Data(contentsOf: URL(fileURLWithPath: path))
                #expect(data.count == file.bytes)
                #expect(try sha256(path) == file.sha256)
                let mode = try FileManager.default.attributesOfItem(atPath: path)
                #expect(mode[.posixPermissions] as? Int == 0o600)
            }
            struct Read: Decodable { let text: String? }
            let messages = try JSONDecoder().decode(
                [Read].self,
                from: Data(contentsOf: folder.appendingPathComponent("messages-\(id).json")))
            #expect(messages.map(\.text) == vector.messages.map(\.text))
            let table = try String(
                contentsOf: folder.appendingPathComponent("channels.csv"), encoding: .utf8)
            #expect(table.contains(",'=cmd|' /C calc'!A0,billing,consent,"))

            let again = try await place.run("export", "--subject", "anna", "--to", folder.path)
            #expect(again.status == 4)
            let other = place.folder.appendingPathComponent("ben").path
            #expect(try await place.run("export", "--subject", "ben", "--to", other).status == 3)
            #expect(!FileManager.default.fileExists(atPath: other))
            #expect(try await entries(place).map(\.kind).contains("subject.exported"))
        }
    }

    private struct Queued: Decodable {
        let id: String
        let state: String
        let late: Bool
        let note: String?
    }

    private func queue(_ place: Workplace, _ more: String...) async throws -> [Queued] {
        let listed = try await Program(environment: place.environment).run(
            ["requests", "--json"] + more)
        try #require(listed.status == 0, "\(listed.errors)")
        return try listed.json([Queued].self)
    }

    @Test func aHoldKeepsTheDataAndTheQueueShowsWhatBecameOfRequests() async throws {
        try await withMeter { place, vector, id in
            let held = try await place.run(
                "hold", "set", "--subject", "anna", "--reason", "a claim")
            #expect(held.status == 0, "\(held.errors)")
            #expect(try await place.run("hold", "list").output.contains("a claim"))
            let refused = try await place.run("forget", "--channel", id, "--yes")
            #expect(refused.status == 4)
            #expect(try await place.run("messages", id).lines.count == vector.messages.count)
            #expect(
                try await place.run("hold", "lift", "--subject", "anna").status == 0)
            #expect(try await place.run("hold", "lift", "--subject", "anna").status == 3)
            #expect(try await place.run("forget", "--subject", "anna", "--yes").status == 0)
            let done = try await queue(place)
            #expect(done.map(\.state) == ["done"])
            #expect(try await queue(place, "--open").isEmpty)
            let request = try #require(done.first)
            #expect(!request.late)
            for step in ["check", "approve"] {
                #expect(try await place.run("requests", step, request.id).status == 4)
            }
            let late = try await place.run(
                "requests", "extend", request.id, "--reason", "too late for that")
            #expect(late.status == 4)
            #expect(try await place.run("requests", "check", "0123456789").status == 3)
        }
    }

    private func sha256(_ path: String) throws -> String {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/sha256sum")
        process.arguments = [path]
        process.standardOutput = output
        try process.run()
        let text = String(
            decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return String(text.prefix { $0 != " " })
    }
}

extension TestDatabase {
    /// Changes the audit log as one who owns the database.
    fileprivate func tamper(_ sql: String) async throws {
        let connection = try await PostgresConnection.connect(configuration())
        defer { Task { await connection.close() } }
        try await connection.script(
            """
            alter table audit_entry disable trigger all; alter table audit_head disable trigger all;
            \(sql);
            """)
    }
}
