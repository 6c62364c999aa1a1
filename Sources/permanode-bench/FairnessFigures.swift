import Archive
import Assembly
import Crawler
import Diagnostics
import Foundation
import LocalTangle
import MAM
import NodeClient
import Synchronization
import Tangle
import Ternary
import Vault

/// How long messages of ordinary channels take from a node into the archive, alone and while other
/// channels are attacked: the crawler as it runs, node and database on one machine.
enum FairnessFigures {
    private static let meters = 500
    /// Between two messages of a meter, seconds: a message each 40 ms.
    private static let interval = 20.0
    private static let phase: TimeInterval = 12
    /// After an attack begins, before its figures count; and for what was sent at a phase's end.
    private static let settling: TimeInterval = 5
    private static let junk = 1_000_000
    /// The longest list taken from a node.
    private static let listed = 100_000
    private static let junkAtNode = 50_000
    private static let cycles = 200
    private static let endless = (channels: 4, messages: 4000)
    private static let spammed = (channels: 50, junk: 500)
    private static let waiting = 2000

    private struct Attack {
        let name: String
        /// Begins it, and gives the channels that it is on.
        let begin: () async throws -> [ChannelNumber]
    }

    static func measure(on archive: Archive) async throws -> [Figure] {
        let ledger = Ledger(capacity: 2_000_000)
        let tangle = try LocalTangleServer(node: LocalNode(ledger: ledger))
        let pool = try NodePool(endpoints: [NodeEndpoint(tangle.url)])
        let source = JunkSource(NodeTangleSource(pool), count: junk, listed: listed)
        let crawler = CrawlService(
            archive: archive, source: source, owner: "bench", log: Log(minimum: .error),
            instruments: try CrawlInstruments(Metrics()))
        note("writing what attacks are made of")
        let attacks = try attacks(archive, ledger, source)
        let seconds = Double(attacks.count) * 3 * (phase + 2 * settling) + 300
        note("writing \(meters) meters' messages")
        let traffic = try await Traffic.written(
            meters: meters, each: Int(seconds / interval) + 2, interval: interval)
        for meter in traffic.registrations {
            traffic.add(try await archive.register(meter, now: Date()))
        }
        let crawling = Task { try await crawler.run() }
        let publishing = Task { try await traffic.publish(on: ledger) }
        let result: Result<[Figure], any Error>
        do {
            result = .success(try await measure(attacks, traffic, archive, source))
        } catch {
            result = .failure(error)
        }
        publishing.cancel()
        crawling.cancel()
        _ = await crawling.result
        await tangle.shutdown()
        return try result.get()
    }

    private static func measure(
        _ attacks: [Attack], _ traffic: Traffic, _ archive: Archive, _ source: JunkSource
    ) async throws -> [Figure] {
        // Until every meter has its rhythm.
        try await Task.sleep(for: .seconds(interval + settling))
        var figures: [Figure] = []
        for attack in attacks {
            let before = try await delays(in: traffic, archive)
            let channels = try await attack.begin()
            note("\(attack.name): \(channels.count) channels")
            try await Task.sleep(for: .seconds(settling))
            let during = try await delays(in: traffic, archive)
            var states: [ChannelState: Int] = [:]
            for channel in channels {
                states[try await archive.channel(channel).state, default: 0] += 1
                try await archive.pause(channel)
            }
            source.flood(nil)
            note(
                "\(attack.name): "
                    + states.map { "\($0.value) \($0.key.rawValue)" }.sorted()
                    .joined(separator: ", "))
            if source.given.once > 0 {
                note("junk fetched: \(source.given.once), more than once \(source.given.again)")
            }
            let measured = [
                Figure(
                    "delay of \(meters) channels beside \(attack.name): p50", during.p50, "ms",
                    comparedWith: ("before", before.p50)),
                Figure("the same: p99", during.p99, "ms", comparedWith: ("before", before.p99)),
            ]
            // Told at once: the next attack may take long.
            for figure in measured { note(figure.row) }
            figures += measured
            try await Task.sleep(for: .seconds(settling))
        }
        return figures
    }

    /// Of what is published in the phase that begins now.
    private static func delays(
        in traffic: Traffic, _ archive: Archive
    ) async throws -> (p50: Double, p99: Double) {
        let start = Date()
        let processor = Timing.processSeconds
        try await Task.sleep(for: .seconds(phase))
        noteShare("a phase", phase, Timing.processSeconds - processor)
        let end = Date()
        try await Task.sleep(for: .seconds(settling))
        let delays = try await traffic.delays(from: start, to: end, archive).sorted()
        guard delays.count > meters / 4 else {
            throw BenchError("\(delays.count) messages in a phase")
        }
        return (delays[delays.count / 2] * 1000, delays[delays.count * 99 / 100] * 1000)
    }

    /// Whatever has to be signed is written before the first begins, so that no attack keeps the
    /// processors busy but by what the crawler does about it.
    private static func attacks(
        _ archive: Archive, _ ledger: Ledger, _ source: JunkSource
    ) throws -> [Attack] {
        let circles = try (0..<cycles).map { try cycle(2_000_000 + $0) }
        let chains = try (0..<endless.channels).map { number in
            var meter = try Meter(3_000_000 + number)
            let registration = meter.registration
            let transactions = try (0..<endless.messages).map {
                try meter.message("on and on \($0)", at: 1_600_000_000)
            }
            return (registration, transactions)
        }
        let wrong = try SideKey("WRONG")
        let closed = try (0..<waiting).map { number in
            var meter = try Meter(
                5_000_000 + number, mode: .restricted, sideKey: SideKey("RIGHT"))
            return (
                ChannelRegistration(root: meter.root, mode: .restricted, sideKey: wrong),
                try meter.message("closed", at: 1_600_000_000)
            )
        }
        func register(_ meter: Meter) async throws -> ChannelNumber {
            try await archive.register(meter.registration, now: Date())
        }
        return [
            Attack(name: "nothing") { [] },
            Attack(name: "a million junk transactions at one address") {
                let meter = try Meter(1_000_000, mode: .public)
                source.flood(meter.nextAddress)
                return [try await register(meter)]
            },
            Attack(name: "\(junkAtNode) of them at a node that lists them all") {
                let meter = try Meter(1_000_001, mode: .public)
                for start in stride(from: 0, to: junkAtNode, by: 5000) {
                    try ledger.store(
                        Junk.transactions(5000, at: meter.nextAddress, from: 10_000_000 + start))
                }
                return [try await register(meter)]
            },
            Attack(name: "\(cycles) chains that lead back to themselves") {
                var channels: [ChannelNumber] = []
                for (registration, transactions) in circles {
                    try ledger.store(transactions)
                    channels.append(try await archive.register(registration, now: Date()))
                }
                return channels
            },
            Attack(name: "\(endless.channels) chains that do not end") {
                var channels: [ChannelNumber] = []
                for (registration, transactions) in chains {
                    for message in transactions { try ledger.store(message) }
                    channels.append(try await archive.register(registration, now: Date()))
                }
                return channels
            },
            Attack(
                name:
                    "\(spammed.channels) public channels with \(spammed.junk) junk before each message"
            ) {
                var channels: [ChannelNumber] = []
                for number in 0..<spammed.channels {
                    var meter = try Meter(4_000_000 + number, mode: .public)
                    for count in 0..<3 {
                        try ledger.store(
                            Junk.transactions(
                                spammed.junk, at: meter.nextAddress,
                                from: 20_000_000 + (number * 3 + count) * spammed.junk))
                        try ledger.store(meter.message("spammed \(count)", at: 1_600_000_000))
                    }
                    channels.append(try await register(meter))
                }
                return channels
            },
            Attack(name: "\(waiting) channels that wait for keys") {
                var channels: [ChannelNumber] = []
                for (registration, transactions) in closed {
                    try ledger.store(transactions)
                    channels.append(try await archive.register(registration, now: Date()))
                }
                return channels
            },
        ]
    }

    /// A message that names its own root, or one before, as the next.
    private static func cycle(_ number: Int) throws -> (ChannelRegistration, [Transaction]) {
        let seed = try Seed(Junk.hash(number).description)
        let trees = try (0..<3).map {
            try ChannelWriter(seed: seed, mode: .private, securityLevel: 1, tree: UInt64($0))
        }
        var transactions: [Transaction] = []
        for (tree, writer) in trees.enumerated() {
            let payload = try MessageWriter(
                root: writer.root,
                nextRoot: trees[tree == 2 ? number % 3 : tree + 1].root, sideKey: nil, seed: seed,
                firstLeaf: UInt64(tree), securityLevel: 1
            ).payload(content: MessageText.trytes("round").trits, index: 0, siblings: [])
            transactions += try Meter.attached(payload, at: writer.address, time: 1_600_000_000)
        }
        return (ChannelRegistration(root: trees[0].root, mode: .private), transactions)
    }
}
