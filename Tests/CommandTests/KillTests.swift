import Archive
import ArchiveTestSupport
import Foundation
import LocalTangle
import Postgres
import Tangle
import Ternary
import TestSupport
import Testing
import Vault

/// The real binary, killed at random instants, over and over.
///
/// `Ops/kill-test` runs these with more kills than a test run has time for.
@Suite(.serialized) struct KillTests {
    private static func kills(_ usual: Int) -> Int {
        ProcessInfo.processInfo.environment["PERMANODE_TEST_KILLS"].flatMap(Int.init) ?? usual
    }

    /// Runs that end before their kill comes are not counted; more of them than this for each
    /// kill mean that the kills come at no instant that matters.
    private static let runsPerKill = 3

    /// The archive of a workplace, seen from the test.
    private struct Inspection {
        let archive: Archive

        init(_ place: Workplace) throws {
            archive = Archive(
                pool: PostgresPool(configuration: try place.database.configuration()),
                vault: try Vault(ring: KeyRingFile(path: place.keyRing)))
        }

        /// What time would do: leases of the dead run out, passed trees are due.
        func letTimePass() async throws {
            // What the dead one's session is still at may lock the same rows in another order.
            try await eventually("time passes") {
                do {
                    try await archive.pool.withConnection {
                        try await $0.script(
                            """
                            update channel set lease_until = now() where lease_until is not null;
                            update tree set next_look_at = now() where watch_until is not null
                            """)
                    }
                    return true
                } catch let error as PostgresError where error.kind == .serialization {
                    return false
                }
            }
        }

        func number(_ sql: String) async throws -> Int64 {
            try await archive.pool.withConnection { try await $0.query(sql)[0].int64(0) }
        }
    }

    /// The pseudonym of who a channel is about.
    private static func person(_ vector: ChannelVector) -> String { "owner of \(vector.name)" }

    private static func register(_ vectors: [ChannelVector], in place: Workplace) async throws
        -> RegisteredVectors
    {
        var channels: [(ChannelVector, ChannelNumber)] = []
        for vector in vectors {
            // Where new keys stand in the chain, no hand adds them.
            if let provider = vector.provider {
                let made = try await place.run(
                    "provider-key", "create", "--address", provider.iotaAddress.description,
                    "--seed-file", "-", input: provider.seed)
                try #require(made.status == 0, "\(made.errors)")
            }
            let id = try await place.add(
                vector, "--subject", person(vector), keyCount: vector.provider == nil ? .max : 1)
            channels.append((vector, try #require(ChannelNumber(text: id))))
        }
        return RegisteredVectors(channels)
    }

    /// How long a run of the program takes here and now: the machine may be busy with much else,
    /// and then with less, so that each run's end corrects what the one before said.
    private struct Window {
        private(set) var length: Duration

        /// Of a run that nobody disturbs.
        init(_ run: () async throws -> Program.Result) async throws {
            let start = ContinuousClock.now
            let result = try await run()
            #expect(result.status == 0, "\(result.errors)")
            length = ContinuousClock.now - start
        }

        /// Starts the program and kills it at some instant of the window, if it has not ended by
        /// itself.
        mutating func kill(
            _ program: RunningProgram, _ random: inout SeededGenerator
        ) async throws -> Int32 {
            let start = ContinuousClock.now
            let killing = Task { [delay = length * Double.random(in: 0..<1, using: &random)] in
                // A random instant is the point.
                try await Task.sleep(for: delay)
                program.signal(SIGKILL)
            }
            let status = try await program.waitForEnd()
            killing.cancel()
            // A window that only shrank would leave the ends of runs untried.
            length = status == 128 + SIGKILL ? length * 1.1 : ContinuousClock.now - start
            return status
        }
    }

    @Test(.timeLimit(.minutes(60)))
    func aCrawlerKilledAtAnyInstantLosesAndDoublesNothing() async throws {
        var random = SeededGenerator.announced()
        let kills = Self.kills(200)
        let recorded = try RecordedTangle()
        let server = try LocalTangleServer()
        try await Workplace.withArchive { place in
            place.set("PERMANODE_NODES", server.url)
            let vectors = try await Self.register(ChannelVector.all(), in: place)
            let inspection = try Inspection(place)
            var window = try await Window { try await place.run("crawl", "--until-idle") }
            var published = 0
            var killed = 0
            for _ in 0..<kills * Self.runsPerKill where killed < kills {
                // A little more traffic for each, so that each has something to take in.
                let goal = recorded.order.count * (killed + 1) / kills
                try server.ledger.store(
                    recorded.order[published..<goal].compactMap { recorded.transactions[$0] })
                published = goal
                try await inspection.letTimePass()
                let status = try await window.kill(
                    try place.start("crawl", "--until-idle"), &random)
                #expect([0, 128 + SIGKILL].contains(status))
                if status != 0 { killed += 1 }
            }
            #expect(killed == kills)
            try await inspection.letTimePass()
            let end = try await place.run("crawl", "--until-idle")
            #expect(end.status == 0, "\(end.errors)")
            #expect(try await vectors.discrepancies(in: inspection.archive) == [])
            for (vector, number) in vectors.channels where vector.provider != nil {
                #expect(try await inspection.archive.keyEpochs(of: number).count == 2)
            }
            let verified = try await place.run("verify")
            #expect(verified.status == 0, "\(verified.errors)")
            await inspection.archive.pool.shutdown()
        }
        await server.shutdown()
    }

    @Test(.timeLimit(.minutes(60)))
    func aForgetKilledAtAnyInstantIsFinishedWithOneReceipt() async throws {
        var random = SeededGenerator.announced()
        let kills = Self.kills(50)
        let server = try LocalTangleServer()
        let recorded = try RecordedTangle()
        try server.ledger.store(recorded.order.compactMap { recorded.transactions[$0] })
        try await Workplace.withArchive { place in
            place.set("PERMANODE_NODES", server.url)
            let vectors = try await Self.register(ChannelVector.all(), in: place)
            let crawled = try await place.run("crawl", "--until-idle")
            try #require(crawled.status == 0, "\(crawled.errors)")
            let inspection = try Inspection(place)
            let channels = vectors.channels.map(\.number)
            let first = try #require(channels.first)
            var window = try await Window {
                try await place.run("forget", "--channel", first.text, "--yes")
            }
            let month = Period(.now).description
            let rest = Array(vectors.channels.dropFirst())
            var killed = 0
            var asked: [[String]] = []
            for (index, (vector, channel)) in rest.enumerated() {
                let what =
                    switch index % 3 {
                    case 0: ["--channel", channel.text]
                    case 1: ["--subject", Self.person(vector)]
                    default: ["--channel", channel.text, "--period", month]
                    }
                asked.append(what)
                for _ in 0..<(kills / rest.count + 1) {
                    let status = try await window.kill(
                        try place.start(["forget", "--yes"] + what), &random)
                    guard status == 128 + SIGKILL else {
                        // 3 where the kill before came when all was done but the telling.
                        #expect([0, 3].contains(status))
                        break
                    }
                    killed += 1
                }
            }
            #expect(killed > rest.count / 4)
            // Whoever was killed is asked again for the same.
            let whole = channels.map { ["--channel", $0.text] }
            for what in asked + whole {
                let end = try await place.run(["forget", "--yes"] + what)
                #expect([0, 3].contains(end.status), "\(end.errors)")
            }
            try await Self.expectAllGone(vectors, inspection, place)
            await inspection.archive.pool.shutdown()
        }
        await server.shutdown()
    }

    private static func expectAllGone(
        _ vectors: RegisteredVectors, _ inspection: Inspection, _ place: Workplace
    ) async throws {
        let requests = try await inspection.archive.forgetRequests()
        #expect(requests.allSatisfy { $0.state == .done && $0.receipt != nil })
        // One for each channel or its person, beside those for months.
        let whole = requests.filter { $0.periods == nil }
        #expect(whole.count == vectors.channels.count)
        #expect(Set(requests.map(\.kind)) == [.channel, .subject, .period])
        let channels = Set(vectors.channels.map(\.number))
        #expect(Set(whole.filter { $0.kind == .channel }.map(\.target)).isSubset(of: channels))
        for table in ["message", "attachment", "candidate", "tree", "side_key"] {
            #expect(try await inspection.number("select count(*) from \(table)") == 0, "\(table)")
        }
        for (vector, number) in vectors.channels {
            #expect(try inspection.archive.vault.isForgotten(number))
            let again = try await place.run(
                "channel", "add", "--mode", "public", "--root-file", "-",
                input: vector.messages[0].root)
            #expect(again.status != 0, "\(vector.name)")
        }
        #expect(
            try await inspection.number("select count(*) from channel where state <> 'forgotten'")
                == 0)
    }
}
