import Foundation
import MAM
import Postgres
import Vault

/// A channel as the archive shows it: everything but its root and side keys.
package struct ChannelRecord: Sendable {
    package let id: ChannelNumber
    package let mode: ChannelMode
    package let state: ChannelState
    /// A code that says why, such as `chain.quiet`; nil where there is nothing to explain.
    package let reason: String?
    package let epoch: Int64
    /// Raised by every forget and restriction.
    package let readersEpoch: Int64
    /// How many messages were taken in.
    package let messageCount: Int64
    /// The tree now looked for, counted from the registered root.
    package let headPosition: Int64
    package let label: String?
    /// What the messages are kept for.
    package let purpose: String?
    package let basis: LawfulBasis?
    /// The operator's pseudonyms for the people whose data it is, in alphabetical order.
    package let subjects: [String]
    /// How many people's data it is.
    package let subjectCount: Int
    package let sideKeyCount: Int
    /// How long its messages are kept; nil keeps all.
    package let retention: Retention?
    /// Whom a node's commands answer about it; nil is nobody.
    package let nodeInterface: NodeInterface?
    /// Whether what those commands look things up by is all there, or all gone.
    package let nodeInterfaceIsReady: Bool
    /// Whether its messages are its subject's consent events.
    package let isConsent: Bool
    package let createdAt: Date
    package let lastLookAt: Date?
    package let nextLookAt: Date
    package let lastNewsAt: Date

    static let columns = """
        c.id, c.mode, c.state, c.reason, c.epoch, c.readers_epoch, c.next_sequence, c.head_position,
        c.sealed_label, c.created_at, c.last_look_at, c.next_look_at, c.last_news_at,
        s.subjects, s.pseudonyms, c.basis, c.sealed_purpose, c.retention_months,
        c.node_interface, c.node_work, c.consent_of is not null as is_consent,
        (select count(*) from side_key k where k.channel = c.id) as side_keys
        """

    static let source = """
        channel c cross join lateral (
            select coalesce(array_agg(number order by number), '{}') as subjects,
                coalesce(array_agg(sealed_pseudonym order by number), '{}') as pseudonyms
            from channel_subject l join subject on number = l.subject
            where l.channel = c.id) s
        """

    init(row: PostgresRow, vault: Vault) throws {
        id = try row.channelNumber("id")
        guard let mode = ChannelMode(rawValue: try row.text("mode")),
            let state = ChannelState(rawValue: try row.text("state"))
        else { throw ArchiveError.damaged(table: "channel", channel: id) }
        self.mode = mode
        self.state = state
        reason = try row.optionalText("reason")
        epoch = try row.int64("epoch")
        readersEpoch = try row.int64("readers_epoch")
        messageCount = try row.int64("next_sequence")
        headPosition = try row.int64("head_position")
        sideKeyCount = Int(try row.int64("side_keys"))
        retention = try row.optionalInt32("retention_months").flatMap {
            Retention(months: Int($0))
        }
        nodeInterface = try row.optionalText("node_interface").flatMap(NodeInterface.init)
        nodeInterfaceIsReady = try row.optionalInt64("node_work") == nil
        isConsent = try row.bool("is_consent")
        createdAt = try row.timestamp("created_at")
        lastLookAt = try row.optionalTimestamp("last_look_at")
        nextLookAt = try row.timestamp("next_look_at")
        lastNewsAt = try row.timestamp("last_news_at")
        guard state != .forgotten else {
            // Its keys may be gone already while its row still waits to be emptied.
            label = nil
            subjects = []
            subjectCount = 0
            purpose = nil
            basis = nil
            return
        }
        basis = try row.optionalText("basis").flatMap(LawfulBasis.init(rawValue:))
        purpose = try Self.text(row.optionalBytes("sealed_purpose"), .channelPurpose, id, vault)
        label = try Self.text(row.optionalBytes("sealed_label"), .channelLabel, id, vault)
        let numbers = try row.channelNumbers("subjects")
        subjectCount = numbers.count
        subjects = try zip(numbers, row.bytesArray("pseudonyms")).compactMap { number, sealed in
            try Self.text(sealed, .subjectPseudonym, number, vault)
        }.sorted()
    }

    /// Nil also where the key is gone: such a channel must still be found, stopped and
    /// forgotten.
    private static func text(
        _ sealed: [UInt8]?, _ column: SealedColumn, _ number: ChannelNumber, _ vault: Vault
    ) throws -> String? {
        guard let sealed else { return nil }
        do {
            let opened = try vault.open(sealed, column, column.context(number))
            return String(decoding: opened, as: UTF8.self)
        } catch VaultError.forgotten {
            return nil
        }
    }
}
