import Foundation
import Postgres
import Vault

/// That a channel or a person must be kept whatever is asked, such as for a claim in court
/// (GDPR, article 17(3)(e)).
package struct LegalHold: Sendable, Equatable {
    package enum Kind: String, Sendable, Codable { case subject, channel }

    package let target: ChannelNumber
    package let kind: Kind
    package let reason: String
    package let setAt: Date
    /// The token of who set it; nil for the operator.
    package let setBy: ChannelNumber?
}

/// Whom or what a hold is about.
package enum HoldSelector: Sendable, Equatable {
    /// The person with this pseudonym, with all channels.
    case subject(String)
    case channel(ChannelNumber)
}

extension Archive {
    /// Holds a list has at most.
    package static let holdLimit = 10_000

    /// Sets a hold, or gives one that stands another reason.
    ///
    /// - Throws: `ArchiveError.noSuchSubject`, `.noSuchChannel`, `.reasonTooLong`.
    @discardableResult
    package func setHold(_ selector: HoldSelector, reason: String, now: Date) async throws
        -> ChannelNumber
    {
        guard reason.utf8.count <= Self.reasonLimit else {
            throw ArchiveError.reasonTooLong(limit: Self.reasonLimit)
        }
        return try await pool.withTransaction { connection in
            let (kind, target) = try await holdTarget(selector, on: connection)
            let column = SealedColumn.holdReason
            _ = try await connection.execute(
                """
                insert into legal_hold (target, scope, sealed_reason, set_at, set_by)
                values ($1, $2, $3, $4, $5)
                on conflict (target) do update set sealed_reason = excluded.sealed_reason
                """,
                [
                    .int64(target.rawValue), .text(kind.rawValue),
                    .bytes(try vault.seal(Array(reason.utf8), column.context(target))),
                    .timestamp(now), .int64(Signatory(AuditActor.current).stored),
                ])
            try await recordAct(
                .holdSet, of: target, ["reason": reason], now: now, on: connection)
            return target
        }
    }

    /// Lifts a hold; forgets go on from here.
    /// - Throws: `ArchiveError.noSuchHold`, and as `setHold`.
    package func liftHold(_ selector: HoldSelector, reason: String?, now: Date) async throws {
        try await pool.withTransaction { connection in
            let (_, target) = try await holdTarget(selector, on: connection)
            let lifted = try await connection.execute(
                "delete from legal_hold where target = $1", [.int64(target.rawValue)])
            guard lifted == 1 else { throw ArchiveError.noSuchHold }
            try await recordAct(
                .holdLifted, of: target, reason.map { ["reason": $0] } ?? [:], now: now,
                on: connection)
        }
    }

    /// Locks the target's row, so that a forget of it comes before or after.
    private func holdTarget(_ selector: HoldSelector, on connection: PostgresConnection)
        async throws -> (LegalHold.Kind, ChannelNumber)
    {
        switch selector {
        case .subject(let pseudonym):
            return (.subject, try await lockedSubject(pseudonym, on: connection))
        case .channel(let channel):
            guard try await lockedChannel(channel, on: connection).state != .forgotten else {
                throw ArchiveError.noSuchChannel(channel)
            }
            return (.channel, channel)
        }
    }

    /// All holds, the oldest first.
    package func holds() async throws -> [LegalHold] {
        let rows = try await pool.withConnection {
            try await $0.query(
                """
                select target, scope, sealed_reason, set_at, set_by from legal_hold
                order by set_at, target limit $1
                """, [.int64(Int64(Self.holdLimit))])
        }
        return try rows.map { row in
            let target = try row.channelNumber("target")
            guard let kind = LegalHold.Kind(rawValue: try row.text("scope")) else {
                throw ArchiveError.damaged(table: "legal_hold", channel: target)
            }
            let column = SealedColumn.holdReason
            let reason: String
            do {
                reason = String(
                    decoding: try vault.open(
                        row.bytes("sealed_reason"), column, column.context(target)), as: UTF8.self)
            } catch VaultError.forgotten {
                // A database that was restored knows of a hold on what was forgotten since.
                reason = ""
            }
            return LegalHold(
                target: target, kind: kind, reason: reason,
                setAt: try row.timestamp("set_at"),
                setBy: Signatory(stored: try row.int64("set_by")).token)
        }
    }
}
