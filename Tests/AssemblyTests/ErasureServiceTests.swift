import Archive
import ArchiveTestSupport
import Assembly
import Diagnostics
import Foundation
import Synchronization
import TestSupport
import Testing
import Vault

/// The eraser's role.
@Suite struct ErasureServiceTests {
    @Test(.timeLimit(.minutes(10)))
    func requestsFromBeforeTheStartAndNewOnesAreCarriedOut() async throws {
        try await TestArchive.with { test in
            let now = Date()
            let first = try await test.register(ChannelVector.named("public"), now: now)
            let second = try await test.register(ChannelVector.named("private"), now: now)
            let early = try await test.archive.receiveForgetRequest(
                .channel(first), reason: nil, now: now)
            let service = try ErasureService(
                archive: test.archive, pollInterval: .milliseconds(10), log: .silent)
            let running = Task { try await service.run() }
            try await Self.waitUntilDone(early.id, test)
            let late = try await test.archive.receiveForgetRequest(
                .channel(second), reason: nil, now: now)
            try await Self.waitUntilDone(late.id, test)
            running.cancel()
            await #expect(throws: CancellationError.self) { try await running.value }
            for channel in [first, second] {
                #expect(try await test.archive.channel(channel).state == .forgotten)
                #expect(try test.vault.isForgotten(channel))
            }
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func aClockThatIsAheadForgetsNothingByRetention() async throws {
        try await TestArchive.with { test in
            let channels = try await test.fill([.named("private")], clock: TestClock(Date()))
            let channel = try #require(channels.first)
            try await test.archive.setRetention(Retention(months: 1), of: channel)
            let count = try await test.archive.channel(channel).messageCount
            let lines = Mutex<[String]>([])
            let service = try ErasureService(
                archive: test.archive, pollInterval: .milliseconds(10),
                clock: { Date().addingTimeInterval(3 * 365 * 86_400) },
                log: Log(sink: { line in lines.withLock { $0.append(line) } }))
            let running = Task { try await service.run() }
            while !lines.withLock({ $0.contains { $0.contains("retention waits") } }) {
                try await Task.sleep(for: .milliseconds(10))
            }
            running.cancel()
            await #expect(throws: CancellationError.self) { try await running.value }
            #expect(count > 0)
            #expect(try await test.read(channel).count == Int(count))
        }
    }

    private static func waitUntilDone(_ request: ChannelNumber, _ test: TestArchive) async throws {
        while try await test.archive.forgetRequest(request).state != .done {
            try await Task.sleep(for: .milliseconds(10))
        }
    }
}
