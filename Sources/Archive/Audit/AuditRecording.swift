import Foundation
import Postgres
import Vault

extension Archive {
    /// Records an act in the transaction that does it; the last thing in it, because the chain
    /// stays locked until it ends. Who acts is `AuditActor.current`.
    ///
    /// - Parameters:
    ///   - leaf: The channel or subject it is about; its forget takes the details.
    ///   - details: Sealed. For what is about no person, and only then, they outlast every forget.
    package func recordAct(
        _ kind: AuditKind, of leaf: ChannelNumber? = nil, _ details: [String: String] = [:],
        now: Date, on connection: PostgresConnection
    ) async throws {
        try await audit.append(
            [AuditLog.Act(kind: kind, leaf: leaf, details: details, at: now)], on: connection)
    }

    /// Records an act that is no transaction of this database.
    package func recordAct(
        _ kind: AuditKind, of leaf: ChannelNumber? = nil, _ details: [String: String] = [:],
        now: Date
    ) async throws {
        try await pool.withTransaction { connection in
            try await recordAct(kind, of: leaf, details, now: now, on: connection)
        }
    }

    /// Takes note that messages were read, before they are served.
    ///
    /// - Parameters:
    ///   - seen: When the archive took them in, where that is known.
    ///   - basis: By which grants.
    /// - Throws: `ArchiveError.auditBehind`.
    func noteRead(
        _ sequences: some Collection<Int64>, seen: [Date] = [], of channel: ChannelNumber,
        by basis: ReadBasis = .none
    ) throws {
        let actor = AuditActor.current
        guard actor != .upkeep, let first = sequences.min(), let last = sequences.max() else {
            return
        }
        let now = Date()
        try audit.note(
            PendingReads.Tally(
                messages: Int64(sequences.count), sequences: first...last,
                seen: seen.min().flatMap { first in seen.max().map { first...$0 } }, firstAt: now,
                lastAt: now),
            PendingReads.Place(reader: actor, channel: channel, basis: basis))
    }
}

extension PendingReads.Tally {
    /// What is told of a read: how many messages, from which to which, and what for.
    func auditDetails(_ basis: ReadBasis) -> [String: String] {
        var details = [
            "messages": String(messages), "first": String(sequences.lowerBound),
            "last": String(sequences.upperBound),
        ]
        details["seenFrom"] = seen?.lowerBound.auditText
        details["seenTo"] = seen?.upperBound.auditText
        if !basis.grants.isEmpty {
            details["grants"] = basis.grants.map(\.text).joined(separator: " ")
        }
        if !basis.consents.isEmpty {
            details["consent"] = basis.consents.map(\.text).joined(separator: " ")
        }
        if !basis.purposes.isEmpty {
            details["purpose"] = basis.purposes.joined(separator: "; ")
        }
        return details
    }
}
