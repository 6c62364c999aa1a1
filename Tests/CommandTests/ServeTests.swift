import Archive
import Assembly
import Foundation
import TestSupport
import Testing

/// `serve` with real signals.
@Suite struct ServeTests {
    @Test(.timeLimit(.minutes(10)), arguments: [SIGTERM, SIGINT])
    func aSignalEndsTheServiceWith0WithinItsLimit(_ number: Int32) async throws {
        try await Workplace.withArchive { place in
            let node = try await place.startNode()
            let id = try await place.add(ChannelVector.named("meter"))
            let service = try place.start("serve")
            try await service.wait(untilErrors: { $0.contains("listening") })
            try await Self.waitUntil {
                try await place.run("messages", id, "--format", "ndjson").lines.count == 24
            }
            let start = ContinuousClock.now
            service.signal(number)
            #expect(try await service.waitForEnd() == 0)
            #expect(ContinuousClock.now - start < .seconds(20))
            #expect(service.output.isEmpty)
            place.record([service.output, service.errors])
            node.signal(SIGTERM)
            _ = try await node.waitForEnd()
        }
    }

    @Test(.timeLimit(.minutes(10))) func theEraserCarriesOutWhatOthersAskedFor() async throws {
        try await Workplace.withArchive { place in
            let id = try await place.add(ChannelVector.named("public"), "--subject", "bo-1")
            let service = try place.start("serve", "--roles", "eraser")
            try await service.wait(untilErrors: { $0.contains("serving") })
            try await Instance.with(Configuration(place.environment)) { instance in
                _ = try await instance.archive.receiveForgetRequest(
                    .subject("bo-1"), reason: nil, now: Date())
            }
            try await Self.waitUntil {
                try await place.run("channel", "show", id).output.contains("forgotten")
            }
            service.signal(SIGTERM)
            #expect(try await service.waitForEnd() == 0)
            place.record([service.output, service.errors])
        }
    }

    #if os(Linux)
        @Test(.timeLimit(.minutes(10))) func theServiceLeavesNoCoreDump() async throws {
            try await Workplace.withArchive { place in
                let service = try place.start("serve", "--roles", "eraser")
                try await service.wait(untilErrors: { $0.contains("serving") })
                let limits = try String(
                    contentsOfFile: "/proc/\(service.identifier)/limits", encoding: .utf8)
                let core = limits.split(separator: "\n").first {
                    $0.hasPrefix("Max core file size")
                }
                #expect(core?.split(separator: " ").suffix(3) == ["0", "0", "bytes"])
                service.signal(SIGTERM)
                #expect(try await service.waitForEnd() == 0)
            }
        }
    #endif

    /// A copy of the key ring that a forget did not reach is brought up to date when it is there.
    @Test(.timeLimit(.minutes(10))) func theEraserCatchesUpWithCopiesOfTheRing() async throws {
        try await Workplace.withArchive { place in
            let copy = place.folder.appendingPathComponent("spare").path
            let id = try await place.add(ChannelVector.named("public"))
            #expect(try await place.run("keyring", "backup", "--to", copy).status == 0)
            place.set("PERMANODE_KEYRING_BACKUPS", copy)
            try FileManager.default.moveItem(atPath: copy, toPath: copy + "-away")
            #expect(try await place.run("forget", "--channel", id, "--yes").status == 0)
            #expect(try await place.run("keyring", "show").output.contains("missing"))
            try FileManager.default.moveItem(atPath: copy + "-away", toPath: copy)
            #expect(try await place.run("keyring", "show").output.contains("behind"))
            let service = try place.start("serve", "--roles", "eraser")
            try await Self.waitUntil {
                try await place.run("keyring", "show").output.contains("current")
            }
            service.signal(SIGTERM)
            #expect(try await service.waitForEnd() == 0)
        }
    }

    @Test func aRoleThatCannotStartEndsTheServiceWithItsReason() async throws {
        try await Workplace.withArchive { place in
            let first = try place.start("serve", "--roles", "api")
            try await first.wait(untilErrors: { $0.contains("listening") })
            let port = try #require(first.errors.firstMatch(of: /:(\d+)\n/)?.output.1)
            place.set("PERMANODE_LISTEN", "127.0.0.1:\(port)")
            let second = try await place.run("serve", "--roles", "api")
            #expect(second.status == 1)
            #expect(second.errors.contains("permanode serve: "))
            first.signal(SIGTERM)
            #expect(try await first.waitForEnd() == 0)
        }
    }

    @Test func aKeyRingThatGoesAwayIsAFailureAndNotAHang() async throws {
        try await Workplace.withArchive { place in
            try FileManager.default.removeItem(atPath: place.keyRing)
            let result = try await place.run("serve", "--roles", "eraser")
            #expect(result.status == 3)
            #expect(result.errors.contains("permanode init"))
        }
    }

    private static func waitUntil(_ condition: () async throws -> Bool) async throws {
        while try await !condition() { try await Task.sleep(for: .milliseconds(50)) }
    }
}
