import Foundation
import LocalTangle
import MAM
import Tangle
import Ternary

/// Channels on a local node's ledger, as meters publish them: restricted, security level 2.
struct PublishedChannels: Sendable {
    static let channelCount = 1000
    static let messagesEach = 4
    static let messageCount = channelCount * messagesEach
    /// Bytes of a message's text: a P1 telegram in its envelope, 2,000 trytes.
    private static let textBytes = 1000

    struct Channel: Sendable {
        let root: Root
        let sideKey: SideKey
        let requests: [ReadRequest]
        let transactions: [Transaction]
    }

    let channels: [Channel]

    static func publish(on ledger: Ledger) async throws -> PublishedChannels {
        let channels = try await withThrowingTaskGroup(of: Channel.self) { group in
            for number in 0..<channelCount { group.addTask { try channel(number) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        for channel in channels { try ledger.store(channel.transactions) }
        return PublishedChannels(channels: channels)
    }

    private static func channel(_ number: Int) throws -> Channel {
        let name = name(number)
        let sideKey = try SideKey("BENCHKEY" + name)
        var writer = try ChannelWriter(
            seed: Seed(String(repeating: name, count: Hash.tryteCount / nameCount)),
            mode: .restricted, sideKey: sideKey)
        let root = writer.root
        var requests: [ReadRequest] = []
        var transactions: [Transaction] = []
        for count in 0..<messagesEach {
            let time = 1_600_000_000 + Int64(count) * 900
            let message = try writer.write(text(count, time))
            requests.append(
                ReadRequest(payload: message.payload, root: message.root, sideKey: sideKey))
            let bundle = try BundleBuilder.bundle(
                address: message.address, messageTrytes: message.payload,
                tag: Trytes(validated: Array("BENCH".utf8)).padded(to: 27), timestamp: time)
            transactions += try Attachment.attach(
                bundle, trunk: .null, branch: .null, minWeightMagnitude: 1,
                attachmentTimestamp: time * 1000)
        }
        return Channel(
            root: root, sideKey: sideKey, requests: requests, transactions: transactions)
    }

    /// Characters of a channel's name; a seed's 81 are a multiple of it.
    private static let nameCount = 3

    private static func name(_ number: Int) -> String {
        var rest = number
        return String(
            (0..<nameCount).map { _ in
                defer { rest /= 26 }
                return Character(UnicodeScalar(UInt8(ascii: "A") + UInt8(rest % 26)))
            })
    }

    private static func text(_ count: Int, _ time: Int64) -> String {
        let start = "{\"type\":\"DATA\",\"timestamp\":\(time * 1000),\"raw\":\""
        let line = "1-0:1.8.1(\(String(format: "%010.3f", 2074.842 + Double(count) / 8))*kWh)\\r\\n"
        let lines = String(repeating: line, count: textBytes / line.utf8.count + 1)
        return start + lines.prefix(textBytes - start.utf8.count - 2) + "\"}"
    }
}
