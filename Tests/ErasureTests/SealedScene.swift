import Archive
import ArchiveTestSupport
import Crawler
import Diagnostics
import Erasure
import Foundation
import MAM
import Postgres
import Tangle
import Ternary
import TestSupport
import Testing
import Vault

/// An archive with several rows, channels and months in every table that has a sealed column.
struct SealedScene {
    /// How one sealed column is read.
    struct Reader: Sendable {
        /// Table and column.
        let place: String
        /// A condition that only the row has which `read` reads.
        let row: @Sendable (SealedScene) async throws -> String
        /// The opened values that a caller gets.
        let read: @Sendable (SealedScene) async throws -> [[UInt8]]

        var table: String { String(place.prefix { $0 != "." }) }
        var column: String { String(place.drop { $0 != "." }.dropFirst()) }
        /// Whether rows belong to channels; otherwise each has keys of its own.
        var hasChannel: Bool {
            [
                "message", "attachment", "candidate", "tree", "side_key", "forget_target",
                "node_attachment", "access_grant", "consent_event",
            ].contains(table)
        }
        /// Whether the row says under which month it is sealed.
        var hasPeriod: Bool {
            ["message", "attachment", "candidate", "node_attachment"].contains(table)
        }
    }

    struct Damage {
        let what: String
        let bytes: [UInt8]
    }

    let test: TestArchive
    let clock: TestClock
    /// With messages in two months.
    let plain: ChannelNumber
    /// With side keys, and a bundle that waits for another.
    let restricted: ChannelNumber
    let subject: ChannelNumber
    /// Not begun, with a reason and a note.
    let request: ChannelNumber
    /// Done, and not yet completed.
    let finished: ChannelNumber

    private var archive: Archive { test.archive }

    init(_ test: TestArchive) async throws {
        self.test = test
        let (archive, clock) = (test.archive, TestClock())
        self.clock = clock
        let ledger = try MemoryTangle.recorded()
        let late = try ["private", "public"].flatMap {
            try ChannelVector.named($0).messages.suffix(3).flatMap(\.transactions)
        }
        ledger.hide(late)
        func register(_ name: String, _ subject: String, keys: Int = 0) async throws
            -> ChannelNumber
        {
            let vector = try ChannelVector.named(name)
            var known: Set<String> = []
            let sideKeys = vector.messages.compactMap(\.sideKey)
                .filter { known.insert($0).inserted }
            let channel = try await archive.register(
                ChannelRegistration(
                    root: Root(vector.messages[0].root), mode: vector.mode,
                    sideKey: try sideKeys.first.map { try SideKey($0) }, subjects: [subject],
                    label: "label of \(name)", purpose: "purpose of \(name)"), now: clock.now)
            for key in sideKeys.prefix(keys).dropFirst() {
                try await archive.add(SideKey(key), to: channel, now: clock.now)
            }
            return channel
        }
        plain = try await register("private", "person one")
        let other = try await register("public", "person two")
        restricted = try await register("rotating", "person two", keys: 2)
        _ = try await register("rotating-ntru", "person one", keys: 1)
        for name in ["events", "tagged"] { _ = try await register(name, "person three") }
        for (seed, person) in [("G", "person one"), ("H", "person two")] {
            var chain = try WrittenChain(Character(seed), on: ledger)
            for name in ["P", "Q"] {
                try chain.write(
                    MyHome.authorised(
                        Hash(String(repeating: name, count: 81)), "goal of \(person)"),
                    at: clock.now)
            }
            var consent = ChannelRegistration(
                root: chain.root, mode: .private, subjects: [person])
            consent.isConsent = true
            _ = try await archive.register(consent, now: clock.now)
        }
        _ = try await test.crawler(ledger, clock: clock).crawlUntilIdle()
        clock.advance(40 * 86_400)
        ledger.show(late)
        _ = try await test.crawler(ledger, clock: clock).crawlUntilIdle()
        for channel in [plain, other] {
            try await archive.setNodeInterface(.public, of: channel)
            while try await archive.workOnNodeLookups(of: channel) {}
        }
        _ = try await archive.createToken(
            .reader, channels: [plain, other, restricted], purpose: "energy advice", now: clock.now)
        for name: Character in ["P", "Q"] { try await test.add(TestProvider(name), now: clock.now) }
        subject = try await archive.subject("person one")
        var requests: [ChannelNumber] = []
        for (channel, text) in [(plain, "one"), (restricted, "two")] {
            let received = try await archive.receiveForgetRequest(
                .channel(channel), reason: "reason \(text)", now: clock.now)
            try await archive.advance(
                received.id, .extend(months: 1, at: clock.now), note: "note \(text)",
                now: clock.now)
            requests.append(received.id)
        }
        request = requests[0]
        try await archive.setHold(.subject("person one"), reason: "claim one", now: clock.now)
        try await archive.setHold(.channel(restricted), reason: "claim two", now: clock.now)
        let gone = try await archive.receiveForgetRequest(
            .subject("person three"), reason: nil, now: clock.now)
        finished = gone.id
        _ = try await Eraser(archive: archive, clock: { clock.now }, log: .silent)
            .execute(gone.id)
        try await archive.audit.flush()
        // As one who owns the database.
        try await execute("alter table audit_entry disable trigger all")
    }

    private func execute(_ sql: String, _ parameters: [PostgresValue] = []) async throws {
        _ = try await test.pool.withConnection { try await $0.execute(sql, parameters) }
    }

    private func rows(_ sql: String, _ parameters: [PostgresValue] = []) async throws
        -> [PostgresRow]
    {
        try await test.pool.withConnection { try await $0.query(sql, parameters) }
    }

    // MARK: Damage

    func value(_ reader: Reader, _ row: String) async throws -> [UInt8] {
        let found = try await rows(
            "select \(reader.column) as value from \(reader.table) where \(row)")
        try #require(found.count == 1, "\(row)")
        return try found[0].bytes("value")
    }

    func set(_ bytes: [UInt8], _ reader: Reader, _ row: String) async throws {
        try await execute(
            "update \(reader.table) set \(reader.column) = $1 where \(row)", [.bytes(bytes)])
    }

    func damages(of value: [UInt8], _ reader: Reader, _ row: String) async throws -> [Damage] {
        var damages = [
            Damage(what: "cut", bytes: value.dropLast()), Damage(what: "emptied", bytes: []),
            Damage(what: "cut to its nonce", bytes: Array(value.prefix(24))),
            Damage(what: "longer", bytes: value + [0]),
        ]
        // In nonce, ciphertext and tag.
        for place in [0, 23, 24, value.count / 2, value.count - 16, value.count - 1] {
            var changed = value
            changed[place] ^= 1 << UInt8(place % 8)
            damages.append(Damage(what: "changed at \(place)", bytes: changed))
        }
        let hasChannel = reader.hasChannel
        for other in Self.readers {
            let isOwn = other.place == reader.place
            let same =
                isOwn && hasChannel
                ? "channel = (select channel from \(reader.table) where \(row))" : "false"
            let found = try await rows(
                """
                select \(other.column) as value, \(same) as same from \(other.table)
                where \(isOwn ? "not (\(row))" : "true") and \(other.column) is not null
                limit \(isOwn ? 100 : 2)
                """)
            for row in found {
                let what =
                    try !isOwn
                    ? "another column's, \(other.place)"
                    : row.bool("same") ? "another row's" : "another channel's"
                damages.append(Damage(what: what, bytes: try row.bytes("value")))
            }
        }
        return damages
    }

    /// Other months that the row could say.
    func otherPeriods(_ reader: Reader, _ row: String) async throws -> [(own: Int32, moved: Int32)]
    {
        guard reader.hasPeriod else { return [] }
        let found = try await rows("select period from \(reader.table) where \(row)")
        let own = try #require(found.first).int32("period")
        let months = try await rows("select distinct period from message")
            .map { try $0.int32("period") }
        try #require(Set(months).count > 1)
        return Set(months + [own - 1, own + 1, 0, 65_535, -1, 70_000]).subtracting([own]).sorted()
            .map { (own, $0) }
    }

    func setPeriod(_ period: Int32, _ reader: Reader, _ row: String) async throws {
        try await execute(
            "update \(reader.table) set period = $1 where \(row)", [.int32(period)])
    }
}

// MARK: How each column is read

extension SealedScene {
    static let readers: [Reader] = [
        Reader(place: "subject.sealed_pseudonym") {
            "number = \($0.subject.rawValue)"
        } read: {
            let pseudonym = try await $0.archive.pseudonym(of: $0.subject)
            let shown = try await $0.archive.channel($0.plain).subjects
            return [Array(pseudonym.utf8)] + shown.map { Array($0.utf8) }
        },
        Reader(place: "channel.sealed_label") {
            "id = \($0.plain.rawValue)"
        } read: {
            [Array((try await $0.archive.channel($0.plain).label ?? "").utf8)]
        },
        Reader(place: "channel.sealed_purpose") {
            "id = \($0.plain.rawValue)"
        } read: {
            [Array((try await $0.archive.channel($0.plain).purpose ?? "").utf8)]
        },
        Reader(place: "side_key.sealed_key") {
            "channel = \($0.restricted.rawValue) and number = 1"
        } read: {
            let leased = try await $0.leased($0.restricted).sideKeys.map(\.key)
            let keys = try await $0.archive.sideKeys(of: $0.restricted).values
            #expect(Set(keys) == Set(leased))
            return leased.map { $0.revealTrytes().ascii }
        },
        Reader(place: "tree.sealed_root") {
            let position = try await $0.archive.channel($0.plain).headPosition
            return "channel = \($0.plain.rawValue) and position = \(position)"
        } read: {
            [try await $0.leased($0.plain).head.root.revealPacked()]
        },
        Reader(place: "message.sealed_head") {
            "channel = \($0.plain.rawValue) and sequence = 1"
        } read: { scene in
            let read = try await scene.test.read(scene.plain).map {
                Array(($0.message.text ?? "").utf8)
            }
            let one = try await scene.archive.evidence(of: scene.plain, sequence: 1)
            return read + [one.message.head.encoded]
        },
        Reader(place: "attachment.sealed_evidence") {
            "channel = \($0.plain.rawValue) and sequence = 1 and number = 0"
        } read: {
            try await $0.archive.evidence(of: $0.plain, sequence: 1).attachments
                .flatMap { $0.transactions.map(\.packed) }
        },
        Reader(place: "node_attachment.sealed_hashes") {
            "channel = \($0.plain.rawValue) and sequence = 1 and number = 0"
        } read: {
            let address = try ChannelVector.named("private").messages[1].address
            let hashes = try await $0.archive.nodeTransactions(
                TransactionQuery(addresses: [address]), limit: 100, for: nil
            )?.value
            let trytes = try await $0.archive.nodeTrytes(hashes ?? [], for: nil).value
            #expect(trytes.count == hashes?.count)
            return (hashes ?? []).map(\.packed)
        },
        Reader(place: "provider_key.sealed_key") { _ in
            "number = (select min(number) from provider_key)"
        } read: {
            try await $0.archive.providerKeys().map(\.address.packed)
        },
        Reader(place: "access_grant.sealed_purpose") {
            "channel = \($0.plain.rawValue)"
        } read: {
            try await $0.archive.grants(of: $0.plain).map { Array(($0.purpose ?? "").utf8) }
        },
        Reader(place: "consent_event.sealed_event") {
            let subject = try await $0.archive.subject("person one")
            let consent = try #require(await $0.archive.consentStanding(of: subject))
            return "channel = \(consent.channel.id.rawValue) and sequence = 0"
        } read: {
            let subject = try await $0.archive.subject("person one")
            let consent = try await $0.archive.consentStanding(of: subject)
            return (consent?.authorisations ?? []).map { Array("\($0.provider) \($0.goal)".utf8) }
        },
        Reader(place: "candidate.sealed_bundle") {
            "channel = \($0.restricted.rawValue)"
        } read: {
            try await $0.leased($0.restricted).waiting.flatMap {
                $0.bundle.transactions.map(\.packed)
            }
        },
        Reader(place: "forget_request.sealed_note") {
            "id = \($0.request.rawValue)"
        } read: {
            let request = try await $0.archive.forgetRequest($0.request)
            return [Array((try $0.archive.note(on: request) ?? "").utf8)]
        },
        // Kept for who carries the request out; nothing shows it.
        Reader(place: "forget_request.sealed_reason") {
            "id = \($0.request.rawValue)"
        } read: {
            let column = SealedColumn.requestReason
            return [
                try $0.test.vault.open(
                    try await $0.stored("forget_request.sealed_reason"),
                    column.context($0.plain, row: $0.request.rawValue))
            ]
        },
        Reader(place: "legal_hold.sealed_reason") {
            "target = \($0.subject.rawValue)"
        } read: {
            try await $0.archive.holds().map { Array($0.reason.utf8) }
        },
        Reader(place: "forget_target.sealed_sample") {
            """
            request = \($0.finished.rawValue) and channel = (
                select min(channel) from forget_target where request = \($0.finished.rawValue))
            """
        } read: {
            let rows = try await $0.rows(
                "select min(channel) as channel from forget_target where request = $1",
                [.int64($0.finished.rawValue)])
            let channel = try #require(rows.first).channelNumber("channel")
            return [
                try $0.test.vault.openCursor(
                    try await $0.stored("forget_target.sealed_sample"),
                    scope: "forget sample \($0.finished.text) \(channel.text)")
            ]
        },
        Reader(place: "audit_entry.sealed_details") {
            "leaf = \($0.plain.rawValue) and kind = 'channel.added'"
        } read: { scene in
            var texts: [[UInt8]] = []
            try await scene.archive.auditRecords(AuditFilter(leaf: scene.plain)) { records in
                for record in records {
                    guard case .open(let details) = record.details else {
                        throw ArchiveError.damaged(table: "audit_entry", channel: scene.plain)
                    }
                    let sorted = details.sorted { $0.key < $1.key }
                    texts.append(Array(sorted.map { "\($0.key)=\($0.value)" }.joined().utf8))
                }
            }
            // What was changed is no longer what was hashed either.
            var faults = 0
            _ = try await scene.archive.verifyAudit(exported: []) { _ in faults += 1 }
            #expect(faults == 0)
            return texts
        },
    ]

    /// What a reader's row has now.
    private func stored(_ place: String) async throws -> [UInt8] {
        let reader = try #require(Self.readers.first { $0.place == place })
        return try await value(reader, reader.row(self))
    }

    /// What a crawler gets of a channel. One with damage is set aside with the reason; then it is
    /// put back.
    private func leased(_ channel: ChannelNumber) async throws -> CrawlAssignment {
        let leased = try await archive.acquireLeases(
            owner: "test", limit: 100, duration: 60, schedule: .notLookedAtSince(.distantFuture),
            now: clock.now)
        let record = try await archive.channel(channel)
        try await execute(
            """
            update channel set lease_owner = null, lease_until = null, reason = null,
                state = 'following'
            where state <> 'forgotten'
            """)
        #expect(leased.count >= 3, "the others are crawled")
        guard let assignment = leased.first(where: { $0.lease.channel == channel }) else {
            #expect(record.state == .stalled && record.reason == "archive.damaged")
            throw ArchiveError.damaged(table: "channel", channel: channel)
        }
        return assignment
    }
}
