import Foundation
import MAM
import NodeClient
import Tangle
import Ternary

/// A smart meter's gateway: writes a restricted channel and publishes through a node.
struct DemoMeter {
    /// Seconds between two telegrams, of which a gateway passes on one in ten.
    private static let telegramInterval: TimeInterval = 10
    /// A third of the mainnet's trits: some 250 tries a transaction instead of millions.
    static let weight = 5
    private static let tag = Trytes(validated: Array("PERMANODE9DEMO".utf8)).padded(to: 27)

    /// What was published, in the order of the channel.
    private(set) var contents: [String] = []
    /// Where it lies, one address a message.
    private(set) var addresses: [Hash] = []
    private(set) var hashes: [Hash] = []
    /// The side key of the messages to come.
    private(set) var sideKey: SideKey
    /// What the channel is registered with.
    let root: Root

    private var writer: ChannelWriter
    private let node: NodeClient
    private let zone: TimeZone

    private var time: Date
    private var energy = 2074.842

    /// With a seed and a side key of its own.
    init(node: NodeClient, time: Date) throws {
        guard let zone = TimeZone(identifier: "Europe/Amsterdam") else {
            throw DemoError("the time zone Europe/Amsterdam is unknown here: install tzdata")
        }
        self.zone = zone
        self.node = node
        self.time = time
        sideKey = try SideKey(Self.randomTrytes())
        writer = try ChannelWriter(
            seed: Seed(Self.randomTrytes()), mode: .restricted, sideKey: sideKey)
        root = writer.root
    }

    /// Measures and publishes, `count` times.
    mutating func publishTelegrams(_ count: Int) async throws {
        for _ in 0..<count {
            let power = 0.2 + Double((contents.count * 37) % 90) / 100
            energy += power * Self.telegramInterval / 3600
            let telegram = Telegram(time: time, energy: energy, power: power)
            try await publish([
                "type": .text("DATA"), "raw": .text(telegram.text(zone: zone)),
                "timestamp": .number(Int64(time.timeIntervalSince1970 * 1000)),
            ])
            time += Self.telegramInterval
        }
    }

    /// Tells the new side key under the old one, and uses it from then on.
    mutating func rotateKey() async throws {
        let new = Self.randomTrytes()
        // In the field the key stands here encrypted for each service provider.
        try await publish(["type": .text("KEY_ROTATION"), Self.randomTrytes(): .text("…")])
        sideKey = try SideKey(new)
        try writer.change(sideKey: sideKey)
    }

    private enum Value: Encodable {
        case text(String)
        case number(Int64)

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .text(let text): try container.encode(text)
            case .number(let number): try container.encode(number)
            }
        }
    }

    /// As a device does: write, bundle, have the node choose tips and do the proof of work,
    /// store, broadcast.
    private mutating func publish(_ event: [String: Value]) async throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let content = String(decoding: try encoder.encode(event), as: UTF8.self)
        let message = try writer.write(content)
        let bundle = try BundleBuilder.bundle(
            address: message.address, messageTrytes: message.payload, tag: Self.tag,
            timestamp: Int64(Date().timeIntervalSince1970))
        let tips = try await node.transactionsToApprove(depth: 3)
        let attached = try await node.attachToTangle(
            bundle.reversed(), trunk: tips.trunkTransaction, branch: tips.branchTransaction,
            minWeightMagnitude: Self.weight)
        try await node.storeTransactions(attached)
        try await node.broadcastTransactions(attached)
        contents.append(content)
        addresses.append(message.address)
        hashes += TransactionHashing.hashes(of: attached)
    }

    /// 81 trytes from the system's random source.
    static func randomTrytes() -> String {
        let alphabet = Array("9ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        return String((0..<Hash.tryteCount).map { _ in alphabet[Int.random(in: 0..<27)] })
    }
}
