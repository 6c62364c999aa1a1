import Archive
import Foundation
import LocalTangle
import MAM
import NodeClient
import Tangle
import Ternary
import Vault

/// What happens once everything runs, chapter by chapter.
struct DemoStory {
    private static let owner = "household-21"
    private static let telegramsBefore = 8
    private static let telegramsAfter = 4
    /// When the first telegram was measured.
    private static let pastSeconds: TimeInterval = 300

    private let tangle: LocalTangleServer
    private let archive: Archive
    private let api: LoopbackClient
    private let teller: DemoTeller
    private let node: NodeClient
    private var meter: DemoMeter
    private var channel = ""
    private var adminToken = ""
    private var readerToken = ""

    init(
        _ tangle: LocalTangleServer, _ archive: Archive, _ api: LoopbackClient,
        _ teller: DemoTeller
    ) throws {
        self.tangle = tangle
        self.archive = archive
        self.api = api
        self.teller = teller
        node = NodeClient(endpoint: try NodeEndpoint(tangle.url))
        meter = try DemoMeter(node: node, time: Date().addingTimeInterval(-Self.pastSeconds))
    }

    mutating func tell() async throws {
        try await register()
        try await publish()
        try await rotate()
        try await prune()
        try await query()
        try await forget()
        try await lookForTraces()
    }

    private struct ChannelAnswer: Decodable {
        let id: String
        let state: String
        let messages: Int
    }

    /// The channel, once it is in `state` with as many messages as were published, less those
    /// that wait.
    private func channel(_ state: ChannelState, waiting: Int = 0) async throws -> ChannelAnswer {
        let wanted = meter.contents.count - waiting
        return try await teller.wait(for: "archiving \(wanted) messages") {
            let answer = try await api.request(
                "GET", "/v1/channels/\(channel)", token: readerToken)
            try teller.check(answer.status == 200, "the channel is there")
            let channel = try answer.json(as: ChannelAnswer.self)
            let isThere = channel.state == state.rawValue && channel.messages == wanted
            return isThere ? channel : nil
        }
    }

    private var registration: [String: String] {
        [
            "root": meter.root.revealTrytes().description, "mode": "restricted",
            "sideKey": meter.sideKey.revealTrytes().description, "subject": Self.owner,
            "label": "electricity and gas",
        ]
    }

    private mutating func register() async throws {
        adminToken = try await archive.createToken(.admin, now: Date()).text
        let answer = try await api.request(
            "POST", "/v1/channels", token: adminToken, body: registration)
        try teller.check(answer.status == 201, "the channel is registered with 201")
        channel = try answer.json(as: ChannelAnswer.self).id
        guard let number = ChannelNumber(text: channel) else {
            throw DemoError("the channel's id is none")
        }
        readerToken = try await archive.createToken(.reader, channels: [number], now: Date()).text
        try teller.tell(
            "\(Self.owner) consents: its smart meter's channel is registered, POST /v1/channels"
                + " answers 201 and the id \(channel).",
            [
                "The channel's root and side key go into the archive sealed, and are never shown.",
                "An energy service gets a token that reads this channel and nothing else.",
            ])
    }

    private mutating func publish() async throws {
        try await meter.publishTelegrams(Self.telegramsBefore)
        try teller.check(
            tangle.ledger.count == meter.hashes.count, "the ledger has what was published")
        try teller.tell(
            "The meter publishes \(Self.telegramsBefore) P1 telegrams through the node, masked"
                + " and signed (restricted mode, security level 2):",
            [
                "\(meter.hashes.count) transactions at \(meter.addresses.count) addresses, each"
                    + " with a proof of work of weight \(DemoMeter.weight).",
                "On the ledger one reads: …\(try excerpt())…",
            ])
        let taken = try await channel(.following)
        try teller.tell(
            "The crawler has followed the chain, verified every signature, and archived"
                + " \(taken.messages) messages.")
    }

    /// Out of the middle of what was published last.
    private func excerpt() throws -> Trytes {
        guard let hash = meter.hashes.last, let transaction = tangle.ledger.transaction(hash)
        else { throw DemoError("the ledger has not what was published") }
        return transaction.signatureMessageFragment[700..<740]
    }

    private mutating func rotate() async throws {
        try await meter.rotateKey()
        try await meter.publishTelegrams(Self.telegramsAfter)
        try teller.tell(
            "The side key rotates: a KEY_ROTATION message under the old key, then"
                + " \(Self.telegramsAfter) telegrams under the new one.")
        // The last messages' places are known only from those before.
        let waiting = try await channel(.waitingForKey, waiting: Self.telegramsAfter)
        try teller.tell(
            "The archive has \(waiting.messages) messages and cannot open the next: the channel"
                + " is \(waiting.state). What lies there is kept sealed until the key comes.")
        let added = try await api.request(
            "POST", "/v1/channels/\(channel)/keys", token: adminToken,
            body: ["sideKey": meter.sideKey.revealTrytes().description])
        try teller.check(added.status == 200, "the key is taken with 200")
        let taken = try await channel(.following)
        try teller.tell(
            "The new key is handed in, POST /v1/channels/\(channel)/keys: the channel is"
                + " \(taken.state) again, with \(taken.messages) messages.")
    }

    private func prune() async throws {
        let before = try await node.findTransactions(addresses: meter.addresses).hashes.count
        try teller.check(before == meter.hashes.count, "the node finds what was published")
        tangle.ledger.prune()
        let found = try await node.findTransactions(addresses: meter.addresses).hashes.count
        let fetched = try await node.transactions(meter.hashes).found.count
        try teller.check(found == 0 && fetched == 0, "the node has nothing any more")
        try teller.tell(
            "The node prunes, as nodes do. Asked again, it finds \(found) of \(before)"
                + " transactions, and hands out \(fetched).")
    }

    private struct MessagesAnswer: Decodable {
        struct Message: Decodable {
            let text: String?
        }

        let messages: [Message]
    }

    private var messagesPath: String { "/v1/channels/\(channel)/messages" }

    private func query() async throws {
        let answer = try await api.request("GET", messagesPath, token: readerToken)
        try teller.check(answer.status == 200, "the query is answered with 200")
        let texts = try answer.json(as: MessagesAnswer.self).messages.map(\.text)
        try teller.check(texts == meter.contents, "the archive has what was published, in order")
        let readings = try texts.compactMap { try $0.flatMap(Self.reading) }
        try teller.check(
            readings.count == Self.telegramsBefore + Self.telegramsAfter,
            "every telegram reads, with the right CRC")
        guard let first = readings.first, let last = readings.last else { return }
        try teller.tell(
            "The archive still answers: GET \(messagesPath) gives all \(texts.count) messages,"
                + " each as the meter wrote it. Decrypted, such as:", [first, "…", last])
    }

    private struct Event: Decodable {
        let type: String
        let raw: String?
        /// Milliseconds since 1970.
        let timestamp: Int64?
    }

    /// What a telegram says; nil for other events.
    private static func reading(_ text: String) throws -> String? {
        let event = try JSONDecoder().decode(Event.self, from: Data(text.utf8))
        guard event.type == "DATA", let raw = event.raw,
            let milliseconds = event.timestamp,
            let power = Telegram.value("1-0:1.7.0", in: raw),
            let energy = Telegram.value("1-0:1.8.1", in: raw)
        else { return nil }
        let time = Date(timeIntervalSince1970: Double(milliseconds) / 1000)
        return "\(time.formatted(.iso8601))  power \(power)  imported \(energy)"
            .replacing("*", with: " ")
    }

    private struct ForgetAnswer: Decodable {
        struct Receipt: Decodable {
            let rows: [String: Int]
            let tombstones: Int
            let remaining: Int
        }

        let id: String
        let state: String?
        let receipt: Receipt?
    }

    private func forget() async throws {
        let answer = try await api.request(
            "POST", "/v1/forget-requests", token: adminToken,
            body: ["subject": Self.owner, "reason": "consent withdrawn"])
        try teller.check(answer.status == 202, "the request is taken with 202")
        let id = try answer.json(as: ForgetAnswer.self).id
        try teller.tell(
            "\(Self.owner) wants to be forgotten: POST /v1/forget-requests answers 202 and the"
                + " id \(id).")
        let receipt = try await teller.wait(for: "forgetting") { () -> ForgetAnswer.Receipt? in
            let answer = try await api.request(
                "GET", "/v1/forget-requests/\(id)", token: adminToken)
            try teller.check(answer.status == 200, "the request is there")
            return try answer.json(as: ForgetAnswer.self).receipt
        }
        try teller.check(
            receipt.rows["message"] == meter.contents.count && receipt.remaining == 0,
            "the receipt counts every message")
        let rows = receipt.rows.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
        try teller.tell(
            "The eraser is done. Its receipt, without anything personal:",
            [
                "keys: removed from the key ring, beyond derivation",
                "rows deleted: \(rows.joined(separator: ", "))",
                "tombstones: \(receipt.tombstones), so that no root of the channel is taken again",
                "rows found when looking again: \(receipt.remaining)",
            ])
    }

    private func lookForTraces() async throws {
        let status = try await api.request("GET", messagesPath, token: readerToken).status
        try teller.check(status == 404, "the query is answered with 404")
        try teller.tell("The same query now answers \(status), as for what never was.")
        let rows = try await ScratchDatabase.rows(on: archive.pool)
        try teller.check(rows.allSatisfy { $0.count == 0 }, "no row is left: \(rows)")
        try teller.tell(
            "The database is counted: 0 rows in "
                + rows.map(\.table).joined(separator: ", ") + ".")
        let answer = try await api.request(
            "POST", "/v1/channels", token: adminToken, body: registration)
        let code = try answer.json(as: [String: ProblemValue].self)["code"]?.text ?? ""
        try teller.check(
            answer.status == 409 && code == "archive.forgotten", "the root is refused with 409")
        try teller.tell(
            "Registering the same root again is refused: \(answer.status) \(code).")
    }

    /// Texts of a problem document; its status is a number.
    private struct ProblemValue: Decodable {
        let text: String?

        init(from decoder: any Decoder) throws {
            text = try? decoder.singleValueContainer().decode(String.self)
        }
    }
}
