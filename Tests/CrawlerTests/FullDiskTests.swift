import Archive
import ArchiveTestSupport
import Crawler
import Diagnostics
import Foundation
import Postgres
import Synchronization
import TestSupport
import Testing
import Vault

/// A crawler whose database, or key ring, has no room left. `Ops/full-disk-test` shows the same on file
/// systems that are really full.
@Suite struct FullDiskTests {
    /// What the server says when it cannot make a file longer, for as long as the function stands.
    private static let fault = """
        create function full_disk() returns trigger language plpgsql as $$
        begin raise exception 'could not extend file: No space left on device' using errcode = '53100';
        end $$;
        create trigger full_disk before insert on message for each statement
            execute function full_disk();
        """

    private struct Scene {
        let crawler: CrawlService
        let standing = CrawlStanding()
        let metrics = Metrics()
        let lines: Lines

        init(_ test: TestArchive, room: CrawlRoom) throws {
            let lines = Lines()
            self.lines = lines
            crawler = CrawlService(
                archive: test.archive, source: try MemoryTangle.recorded(), owner: "full",
                log: Log(sink: { lines.add($0) }), instruments: try CrawlInstruments(metrics),
                room: room, standing: standing, roomWait: .milliseconds(20))
        }

        func running(_ meanwhile: () async throws -> Void) async throws {
            let task = Task { try await crawler.run() }
            let result: Result<Void, any Error>
            do { result = .success(try await meanwhile()) } catch { result = .failure(error) }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            try result.get()
        }
    }

    private final class Lines: Sendable {
        private let lines = Mutex<[String]>([])
        func add(_ line: String) { lines.withLock { $0.append(line) } }
        func count(_ text: String) -> Int {
            lines.withLock { $0.count { $0.contains(text) } }
        }
    }

    private static func reserveBytes(_ test: TestArchive) async throws -> Int64 {
        try await test.pool.withConnection {
            try await $0.query("select pg_relation_size('disk_reserve') as size")[0].int64("size")
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func aFullDatabaseStopsCrawlingUntilThereIsRoom() async throws {
        try await TestArchive.with { test in
            let vectors = try await RegisteredVectors.register(in: test, now: Date())
            let room = CrawlRoom(reserve: 1 << 20, ringRoom: 0) { nil }
            let scene = try Scene(test, room: room)
            try await test.pool.withConnection { try await $0.script(Self.fault) }
            try await scene.running {
                // There is room for the reserve, and so it tries again and again.
                try await eventually("the crawler waits for room") {
                    scene.standing.text == "crawl.database-full"
                }
                try await eventually("that is measured") {
                    scene.metrics.text().contains(
                        #"permanode_crawler_paused{reason="database-full"} 1"#)
                }
                try await test.pool.withConnection {
                    try await $0.script("drop function full_disk() cascade")
                }
                try await eventually("all messages are there") {
                    try await test.rowCount(of: "message") == vectors.messageCount
                }
            }
            #expect(scene.standing.text == "ok")
            #expect(
                scene.metrics.text().contains(
                    #"permanode_crawler_paused{reason="database-full"} 0"#))
            // Once, and not for every channel; and none was set aside for it.
            #expect(scene.lines.count("no room") == scene.lines.count("there is room again"))
            #expect(scene.lines.count("a channel cannot be crawled") == 0)
            #expect(try await vectors.discrepancies(in: test.archive) == [])
            #expect(try await Self.reserveBytes(test) >= 1 << 20)
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func aKeyRingWithoutRoomStopsCrawlingUntilThereIsSome() async throws {
        try await TestArchive.with { test in
            let vectors = try await RegisteredVectors.register(in: test, now: Date())
            let free = Box(99)
            let scene = try Scene(
                test, room: CrawlRoom(reserve: 0, ringRoom: 100) { free.value })
            try await scene.running {
                try await eventually("the crawler waits for room") {
                    scene.standing.text == "crawl.key-ring-full"
                }
                // A little more than too little is no reason to begin anew.
                free.value = 110
                try await Task.sleep(for: .milliseconds(200))
                #expect(scene.standing.text == "crawl.key-ring-full")
                #expect(try await test.rowCount(of: "message") == 0)
                free.value = 126
                try await eventually("all messages are there") {
                    try await test.rowCount(of: "message") == vectors.messageCount
                }
                // While it crawls, too.
                free.value = 1
                try await eventually("the crawler waits for room") {
                    scene.standing.text == "crawl.key-ring-full"
                }
            }
        }
    }

    private final class Box: Sendable {
        private let state: Mutex<UInt64>
        init(_ value: UInt64) { state = Mutex(value) }
        var value: UInt64 {
            get { state.withLock { $0 } }
            set { state.withLock { $0 = newValue } }
        }
    }

    @Test func theReserveIsKeptGivenUpAndKeptAgain() async throws {
        try await TestArchive.with { test in
            try await test.archive.keepReserve(2 << 20)
            let size = try await Self.reserveBytes(test)
            #expect(size >= 2 << 20 && size < 3 << 20)
            try await test.archive.keepReserve(1 << 20)
            #expect(try await Self.reserveBytes(test) == size)
            try await test.archive.giveUpReserve()
            #expect(try await Self.reserveBytes(test) == 0)
            try await test.archive.keepReserve(1 << 20, beside: 4 << 20)
            #expect(try await Self.reserveBytes(test) < 2 << 20)
        }
    }

    @Test func aReadIsRecordedOutOfTheReserveAtTheFirstAttempt() async throws {
        try await TestArchive.with { test in
            let channel = try await test.fill(channel: "public")
            try await test.archive.keepReserve(1 << 20)
            try await test.pool.withConnection {
                try await $0.script(
                    """
                    create function full_disk() returns trigger language plpgsql as $$
                    begin
                        if pg_relation_size('disk_reserve') > 0 then
                            raise exception 'No space left on device' using errcode = '53100';
                        end if;
                        return null;
                    end $$;
                    create trigger full_disk before insert on recipient for each statement
                        execute function full_disk();
                    """)
            }
            let read = try await test.archive.messages(of: channel, MessageRange(), limit: 10)
            try #require(!read.messages.isEmpty)
            try await test.archive.audit.flush()
            // Where the log's own task was earlier, it is at it.
            try await eventually("the read is recorded") {
                try await test.rowCount(of: "recipient") == 1
            }
            #expect(try await Self.reserveBytes(test) == 0)
        }
    }
}
