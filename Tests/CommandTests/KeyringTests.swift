import Foundation
import Postgres
import TestSupport
import Testing
import Vault

/// The `keyring` commands and `restore-check`.
@Suite struct KeyringTests {
    private struct Copy: Decodable {
        let name: String
        let standing: String
        let generation: UInt64?
        let hasLog: Bool
    }

    private struct Shown: Decodable {
        let ring: String
        let generation: UInt64
        let nodes: Int
        let logRecords: UInt64
        let wrap: String
        let signingKey: String
        let copies: [Copy]
    }

    private struct Report: Decodable {
        let logWasOlder: Bool
        let keysDestroyed: Int
        let tombstonesLogged: Int
    }

    private func show(_ place: Workplace) async throws -> Shown {
        let result = try await place.run("keyring", "show", "--json")
        #expect(result.status == 0, "\(result.errors)")
        return try result.json(Shown.self)
    }

    @Test func initSaysThatTheRingIsEverything() async throws {
        try await Workplace.with { place in
            let alone = try await place.run("init")
            #expect(alone.status == 0, "\(alone.errors)")
            #expect(alone.errors.contains("THE ONLY KEY"))
            #expect(alone.errors.contains("permanode keyring backup --to"))
        }
        try await Workplace.with { place in
            let copy = place.folder.appendingPathComponent("spare").path
            place.set("PERMANODE_KEYRING_BACKUPS", copy)
            let made = try await place.run("init")
            #expect(made.status == 0, "\(made.errors)")
            #expect(made.errors.contains(copy))
            #expect(try await show(place).copies.map(\.standing) == ["current"])
        }
    }

    /// A ring is lost; its copy, which a forget reached, takes its place.
    @Test func aLostRingIsRestoredFromACopyThatForgetsToo() async throws {
        try await Workplace.withArchive { place in
            let copy = place.folder.appendingPathComponent("spare").path
            #expect(try await place.run("keyring", "backup").status == 2)
            #expect(try await place.run("keyring", "backup", "--to", copy).status == 0)
            place.set("PERMANODE_KEYRING_BACKUPS", copy)
            let channel = try await place.add(ChannelVector.named("public"))
            let first = try await show(place)
            #expect(first.copies.map(\.standing) == ["current"])
            #expect(first.signingKey.count == 64 && first.ring.count == 32)
            let forgotten = try await place.run("forget", "--channel", channel, "--yes")
            #expect(forgotten.status == 0, "\(forgotten.errors)")
            let shown = try await show(place)
            #expect(shown.generation == first.generation + 1)
            #expect(shown.logRecords > 1)
            #expect(shown.copies.map(\.standing) == ["current"])
            #expect(shown.copies.map(\.generation) == [shown.generation])
            #expect(shown.copies.allSatisfy { $0.hasLog })

            let refused = try await place.run("keyring", "restore", "--from", copy)
            #expect(refused.status == 0 && refused.errors.contains("nothing to restore"))
            try FileManager.default.removeItem(atPath: place.keyRing)
            #expect(try await place.run("channel", "list").status == 3)
            let restored = try await place.run("keyring", "restore", "--from", copy, "--json")
            #expect(restored.status == 0, "\(restored.errors)")
            #expect(restored.errors.contains("RESTORED"))
            #expect(try await show(place).ring == shown.ring)
            #expect(try await place.run("channel", "show", channel).output.contains("forgotten"))
            let check = try await place.run("restore-check")
            #expect(check.status == 0 && check.output.contains("agree"))
            #expect(
                try await place.run("keyring", "restore", "--from", copy + "-not").status == 3)
        }
    }

    /// Ring and log come back from before a forget; the database knows better.
    @Test func restoreCheckForgetsWhatOlderFilesBroughtBack() async throws {
        try await Workplace.withArchive { place in
            let channel = try await place.add(ChannelVector.named("public"))
            let files = [place.keyRing, place.keyRing + ".forgotten"]
            let before = try files.map { try Data(contentsOf: URL(fileURLWithPath: $0)) }
            #expect(try await place.run("forget", "--channel", channel, "--yes").status == 0)
            for (path, content) in zip(files, before) {
                try content.write(to: URL(fileURLWithPath: path))
            }
            let found = try await place.run("restore-check", "--json")
            #expect(found.status == 0, "\(found.errors)")
            let report = try found.json(Report.self)
            #expect(report.logWasOlder)
            #expect(report.keysDestroyed == 1)
            #expect(report.tombstonesLogged > 0)

            // And any other command does so by itself, and says so.
            for (path, content) in zip(files, before) {
                try content.write(to: URL(fileURLWithPath: path))
            }
            let list = try await place.run("channel", "list")
            #expect(list.status == 0)
            #expect(list.errors.contains("brought up to date"))
            #expect(try await place.run("restore-check").output.contains("agree"))
        }
    }

    @Test func theRingIsWrappedUnderAPassphraseAndUnderAKey() async throws {
        try await Workplace.withArchive { place in
            let secret = "a passphrase for \(UUID().uuidString)"
            place.keepSecret(secret)
            let passphrase = try place.file("passphrase", secret + "\n")
            let rotated = try await place.run("keyring", "rotate", "--passphrase-file", passphrase)
            #expect(rotated.status == 0, "\(rotated.errors)")
            let locked = try await place.run("channel", "list")
            #expect(locked.status == 4)
            #expect(locked.errors.contains("PERMANODE_KEYRING_PASSPHRASE_FILE"))
            place.set("PERMANODE_KEYRING_PASSPHRASE_FILE", passphrase)
            #expect(try await place.run("channel", "list").status == 0)
            #expect(try await show(place).wrap == "passphrase")

            let key = try place.file("key", String(repeating: UUID().uuidString, count: 2))
            let both = try await place.run(
                "keyring", "rotate", "--key-file", key, "--unwrap")
            #expect(both.status == 2)
            #expect(try await place.run("keyring", "rotate", "--key-file", key).status == 0)
            place.set("PERMANODE_KEYRING_COMMAND", "/bin/cat \(key)")
            #expect(try await place.run("keyring", "show").status == 2, "two secrets are set")
            place.set("PERMANODE_KEYRING_PASSPHRASE_FILE", nil)
            #expect(try await show(place).wrap == "key")
            #expect(try await place.run("keyring", "rotate", "--unwrap").status == 0)
            place.set("PERMANODE_KEYRING_COMMAND", nil)
            #expect(try await show(place).wrap == "none")
            #expect(try await place.run("keyring", "rotate").status == 2)
        }
    }

    /// Acts on the ring stand in the audit log, and are done where the database is not there.
    @Test func actsOnTheRingAreRecorded() async throws {
        try await Workplace.withArchive { place in
            func acts() async throws -> [String] {
                struct Entry: Decodable { let kind: String }
                let listed = try await place.run("audit", "list", "--json")
                return try listed.lines.map {
                    try JSONDecoder().decode(Entry.self, from: Data($0.utf8)).kind
                }.filter { $0.hasPrefix("keyring.") || $0.hasPrefix("restore.") }
            }
            let copy = place.folder.appendingPathComponent("spare").path
            let key = try place.file("key", String(repeating: UUID().uuidString, count: 2))
            #expect(try await place.run("keyring", "backup", "--to", copy).status == 0)
            #expect(try await place.run("keyring", "restore", "--from", copy).status == 0)
            #expect(try await place.run("keyring", "rotate", "--key-file", key).status == 0)
            place.set("PERMANODE_KEYRING_COMMAND", "/bin/cat \(key)")
            #expect(try await place.run("restore-check").status == 0)
            let all = [
                "keyring.backed-up", "keyring.restored", "keyring.rotated", "restore.checked",
            ]
            #expect(try await acts() == all)

            let database = place.environment["PERMANODE_DATABASE_URL"]
            for away in [nil, "postgresql:///nowhere?host=/nonexistent"] {
                place.set("PERMANODE_DATABASE_URL", away)
                let done = try await place.run("keyring", "backup", "--to", copy)
                #expect(done.status == 0)
                #expect(done.errors.contains("NOT RECORDED"))
            }
            place.set("PERMANODE_DATABASE_URL", database)
            #expect(try await acts() == all)
            #expect(try await place.run("audit", "verify").status == 0)
        }
    }

    /// A full disk, or the limit of a file's size, in the middle of a batch of records.
    @Test func aLogThatCannotGrowKeepsWholeRecordsAndTheForgetIsFinishedLater() async throws {
        try await Workplace.withArchive { place in
            let node = try await place.startNode()
            defer { node.signal(SIGTERM) }
            let channel = try await place.add(ChannelVector.named("meter"))
            #expect(try await place.run("crawl", "--until-idle").status == 0)
            let log = place.keyRing + ".forgotten"
            // Reads on meanwhile: what it has seen of the log must not go away again.
            let reader = try Vault(ring: KeyRingFile(path: place.keyRing))
            let reading = Task.detached {
                while !Task.isCancelled {
                    _ = try reader.logHead()
                    try? await Task.sleep(for: .milliseconds(1))
                }
            }
            // 1 KiB: the header and 15 of more than 20 records.
            let limited = try RunningProgram(
                path: "/bin/bash",
                arguments: [
                    "-c", "ulimit -f 1; exec \"$0\" \"$@\"", try Program.path(), "forget",
                    "--channel", channel, "--yes",
                ], environment: place.environment, input: "")
            #expect(try await limited.waitForEnd() == 1)
            place.record([limited.output, limited.errors])
            #expect(limited.errors.contains("keyring.forgotten"), "\(limited.errors)")
            reading.cancel()
            try await reading.value
            let size = try Data(contentsOf: URL(fileURLWithPath: log)).count
            #expect(size == 1024, "15 whole records")

            let finished = try await place.run("forget", "--channel", channel, "--yes")
            #expect(finished.status == 0, "\(finished.errors)")
            #expect(try reader.logHead().sequence > 20)
            #expect(try await place.run("restore-check").output.contains("agree"))
            #expect(try await place.run("messages", channel).status == 3)
        }
    }

    @Test func aDatabaseOfAnotherRingIsRefused() async throws {
        try await Workplace.withArchive { place in
            let (database, ring) = (place.environment["PERMANODE_DATABASE_URL"], place.keyRing)
            try await Workplace.withArchive { other in
                other.set("PERMANODE_DATABASE_URL", database)
                let result = try await other.run("channel", "list")
                #expect(result.status == 4)
                #expect(result.errors.contains("belongs to the key ring"))
                other.set("PERMANODE_KEYRING", ring)
                #expect(try await other.run("channel", "list").status == 0)
            }
        }
    }
}
