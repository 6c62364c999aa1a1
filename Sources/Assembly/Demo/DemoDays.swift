import Archive
import Foundation
import LocalTangle
import MAM
import Synchronization
import Tangle
import Ternary
import Vault

/// What there is to look at after the story: a household's meter of the last days, a telegram a
/// minute, and what goes on.
struct DemoDays {
    private static let owner = "household-7"
    /// Days before today.
    private static let days = 2
    private static let interval: TimeInterval = 60
    /// Messages of a tree lie at one address, and are found together.
    private static let leavesPerTree = 16
    private static let tag = Trytes(validated: Array("PERMANODE9DEMO".utf8)).padded(to: 27)
    /// Archiving some thousand messages takes seconds; a busy machine needs more.
    private static let patience: Duration = .seconds(180)

    private let archive: Archive
    private let api: LoopbackClient
    private let teller: DemoTeller
    private let publisher: Publisher
    private let zone: TimeZone
    private let sideKey: SideKey
    private var writer: ChannelWriter
    private var household: DemoHousehold
    private var time: Date
    private var published = 0
    private let root: Root

    init(
        _ tangle: LocalTangleServer, _ archive: Archive, _ api: LoopbackClient,
        _ teller: DemoTeller
    ) throws {
        guard let zone = TimeZone(identifier: "Europe/Amsterdam") else {
            throw DemoError("the time zone Europe/Amsterdam is unknown here: install tzdata")
        }
        self.archive = archive
        self.api = api
        self.teller = teller
        self.zone = zone
        publisher = Publisher(ledger: tangle.ledger)
        sideKey = try SideKey(DemoMeter.randomTrytes())
        writer = try ChannelWriter(
            seed: Seed(DemoMeter.randomTrytes()), mode: .restricted, sideKey: sideKey,
            securityLevel: 1, leavesPerTree: Self.leavesPerTree)
        root = writer.root
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        let today = calendar.startOfDay(for: Date())
        time = calendar.date(byAdding: .day, value: -Self.days, to: today) ?? today
        household = DemoHousehold(from: time, zone: zone)
    }

    /// Publishes what was until now, has it archived, says where to look, and goes on until the
    /// task is cancelled.
    ///
    /// - Parameter onReady: Called when there is something to look at.
    mutating func keep(onReady: @Sendable () -> Void) async throws {
        try await publish(until: Date())
        try teller.tell(
            "\(Self.owner) consents, too. Its meter tells every minute what is taken from the grid and,"
                + " when the sun shines, given to it: \(published) telegrams of the last days. Each"
                + " day its gateway is off for a while after 13:10.")
        let admin = try await archive.createToken(.admin, now: Date()).text
        let channel = try await register(
            sideKey, label: "Electricity and gas, Dorpsstraat 7", admin)
        let reader = try await archive.createToken(
            .reader, channels: [channel], purpose: "energy advice", now: Date()
        ).text
        try await waitUntilArchived(channel)
        let subject = try await archive.createToken(.subject, subject: Self.owner, now: Date()).text
        try await leaveSomethingToDo(admin)
        try teller.tell(
            "The archive has them. It stays up until Ctrl-C: open \(api.url)/ in a browser, sign in"
                + " with a token, and choose the channel.",
            ["admin   \(admin)", "reader  \(reader)", "person  \(subject)"])
        onReady()
        while true {
            try await Task.sleep(for: .seconds(max(1, time.timeIntervalSinceNow)))
            try await publish(until: Date())
        }
    }

    private struct Event: Encodable {
        let type = "DATA"
        let raw: String
        /// Milliseconds since 1970.
        let timestamp: Int64
    }

    private mutating func publish(until end: Date) async throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        while time <= end {
            let telegram = household.telegram(at: time)
            if !household.isOut(at: time) {
                let milliseconds = Int64(time.timeIntervalSince1970 * 1000)
                let text = String(
                    decoding: try encoder.encode(
                        Event(raw: telegram.text(zone: zone), timestamp: milliseconds)),
                    as: UTF8.self)
                let message = try writer.write(text)
                try await publisher.publish(
                    message.payload, at: message.address, tag: Self.tag, time: milliseconds)
                published += 1
            }
            time += Self.interval
        }
    }

    private struct Registered: Decodable {
        let id: String
    }

    private func register(_ sideKey: SideKey, label: String, _ admin: String) async throws
        -> ChannelNumber
    {
        let answer = try await api.request(
            "POST", "/v1/channels", token: admin,
            body: [
                "root": root.revealTrytes().description, "mode": "restricted",
                "sideKey": sideKey.revealTrytes().description, "subject": Self.owner,
                "label": label, "purpose": "insight into one's own use of energy",
                "basis": LawfulBasis.consent.rawValue, "retention": "13m",
            ])
        guard answer.status == 201,
            let number = ChannelNumber(text: try answer.json(as: Registered.self).id)
        else { throw DemoError("the channel is not registered: \(answer.status)") }
        return number
    }

    private func waitUntilArchived(_ channel: ChannelNumber) async throws {
        let wanted = published
        try await teller.wait(for: "archiving \(wanted) messages", within: Self.patience) {
            try await archive.channel(channel).messageCount >= wanted ? true : nil
        }
    }

    /// A channel whose key is not known, and a request whose person is to be asked who he is.
    private func leaveSomethingToDo(_ admin: String) async throws {
        let key = try SideKey(DemoMeter.randomTrytes())
        var pump = try ChannelWriter(
            seed: Seed(DemoMeter.randomTrytes()), mode: .restricted, sideKey: key,
            securityLevel: 1)
        let root = pump.root
        let message = try pump.write("{\"type\":\"DATA\"}")
        try await publisher.publish(
            message.payload, at: message.address, tag: Self.tag,
            time: Int64(Date().timeIntervalSince1970 * 1000))
        let answers = [
            try await api.request(
                "POST", "/v1/channels", token: admin,
                body: [
                    "root": root.revealTrytes().description, "mode": "restricted",
                    "sideKey": DemoMeter.randomTrytes(), "subject": "household-9",
                    "label": "Heat pump",
                ]),
            try await api.request(
                "POST", "/v1/forget-requests", token: admin,
                body: [
                    "subject": "household-9", "identity": "open", "reason": "moving house",
                ]),
        ]
        guard answers.map(\.status) == [201, 202] else {
            throw DemoError("not as told: something is left to do")
        }
    }
}
