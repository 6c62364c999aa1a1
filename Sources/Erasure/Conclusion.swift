import Archive
import Foundation
import Postgres
import Secrets
import Vault

/// The end of a forget: looking for what should be gone, and the receipt.
extension Eraser {
    /// Looks, and writes the receipt if nothing is found.
    func conclude(_ record: ForgetRequestRecord) async throws {
        let request = record.id
        await notifier?.tell(request)
        let channels = try await job(record).targets.map(\.channel)
        let vault = archive.vault
        // They went with the first channel, where there was one.
        if !record.ownScopes.isEmpty { try await forget(record.ownScopes) }
        try await settings.faultPoint(.reasonShredded)
        if record.periods != nil {
            // Of a channel that is being forgotten as a whole all keys go, and in their time.
            for channel in channels where try await isBeingForgotten(channel) {
                throw ErasureError.notGone(request: request, rows: 0, keys: 1)
            }
        }
        // A key ring that was restored from an older copy has keys again that were gone.
        for channel in channels where try record.derivations(of: channel, in: vault).succeeded > 0 {
            try await forget(record.scopes(of: channel))
        }
        var (tried, succeeded) = (0, 0)
        for channel in channels {
            let attempts = try record.derivations(of: channel, in: vault)
            tried += attempts.tried
            succeeded += attempts.succeeded
        }
        let own = try record.ownDerivations(in: vault)
        tried += own.tried
        succeeded += own.succeeded
        let proof = Receipt.Proof(
            derivationsTried: tried, derivationsSucceeded: succeeded, dataFiles: .pending,
            writeAheadLog: .pending)
        try await deleteAgain(record, channels)
        // Copies may be slow, and a connection asks the database for who was told: neither while
        // the request's row is locked.
        let copies = try await staleRingCopies()
        let told = try await told(request)
        try await archive.pool.withTransaction { connection in
            let row = try await connection.lockedRequest(request)
            guard try row.text("state") == ForgetState.executing.rawValue else { return }
            let remaining = try await rowsLeft(of: channels, record, on: connection)
            guard remaining == 0, succeeded == 0 else {
                throw ErasureError.notGone(request: request, rows: remaining, keys: succeeded)
            }
            let receipt = try await receipt(
                record, channels, proof, copies: copies, told: told, on: connection)
            _ = try await connection.execute(
                """
                update forget_request set state = 'done', sealed_reason = null,
                    finished_at = $2, receipt = $3
                where id = $1
                """,
                [
                    .int64(request.rawValue), .timestamp(receipt.finishedAt),
                    .text(try SignedReceipt(receipt, key: vault.signingKey).text),
                ])
            try await archive.recordAct(
                .forgetDone, ["request": request.text], now: receipt.finishedAt, on: connection)
        }
        try await settings.faultPoint(.concluded)
    }

    private func isBeingForgotten(_ channel: ChannelNumber) async throws -> Bool {
        try await archive.channel(channel).state == .forgotten
            && !archive.vault.isForgotten(channel)
    }

    /// Brings the copies of the key ring up to date that can be reached, and names the others.
    func staleRingCopies() async throws -> [Receipt.RingCopy] {
        let copies = try await archive.vault.waiting { $0.updateCopies() }
        return copies.filter { !$0.isCurrent }.map {
            Receipt.RingCopy(name: $0.name, standing: $0.standing.rawValue)
        }
    }

    /// The copies with the time by which each is gone, to the second as a receipt says it.
    ///
    /// - Parameter shreddedAt: when what they may still hold was forgotten.
    func dated(_ copies: [Receipt.RingCopy], since shreddedAt: Date?) -> [Receipt.RingCopy] {
        guard let shreddedAt, let days = settings.ringCopyExpiryDays else { return copies }
        let second = Date(
            timeIntervalSince1970: shreddedAt.timeIntervalSince1970.rounded(.down))
        return copies.map {
            var copy = $0
            copy.heldUntil = second.addingTimeInterval(TimeInterval(days) * 86_400)
            return copy
        }
    }

    private func rowsLeft(
        of channels: [ChannelNumber], _ record: ForgetRequestRecord,
        on connection: PostgresConnection
    ) async throws -> Int {
        guard let periods = record.periods else {
            return try await connection.countRows(of: channels.map(\.rawValue))
                .values.reduce(0, +)
        }
        var rows = 0
        for channel in channels {
            rows += try await connection.countRows(of: channel, in: periods).values.reduce(0, +)
        }
        return rows
    }

    /// Rows that are there although they were deleted (put back by hand, or by a backup) are
    /// deleted when the forget goes on.
    private func deleteAgain(_ record: ForgetRequestRecord, _ channels: [ChannelNumber])
        async throws
    {
        let found = try await archive.pool.withConnection {
            try await rowsLeft(of: channels, record, on: $0)
        }
        guard found > 0 else { return }
        _ = try await archive.pool.withConnection {
            try await $0.execute(
                "update forget_target set deleted_at = null where request = $1",
                [.int64(record.id.rawValue)])
        }
        throw ErasureError.notGone(request: record.id, rows: found, keys: 0)
    }

    private func receipt(
        _ record: ForgetRequestRecord, _ channels: [ChannelNumber], _ proof: Receipt.Proof,
        copies: [Receipt.RingCopy], told: [Receipt.Told], on connection: PostgresConnection
    ) async throws -> Receipt {
        let request: [PostgresValue] = [.int64(record.id.rawValue)]
        let begun = try await archive.forgetRequest(record.id, on: connection)
        let times = try await connection.query(
            """
            select max(shredded_at) as shredded, max(deleted_at) as deleted
            from forget_target where request = $1
            """, request)
        let counts = try await connection.query(
            """
            select key, sum(value::bigint)::bigint as rows
            from forget_target, jsonb_each_text(counts) where request = $1 group by key
            """, request)
        var rows: [String: Int] = [:]
        for row in counts { rows[try row.text("key")] = Int(try row.int64("rows")) }
        let tombstones = rows.removeValue(forKey: ForgetCount.tombstones) ?? 0
        let unreadable = rows.removeValue(forKey: ForgetCount.unreadable) ?? 0
        let finishedAt = clock()
        let shreddedAt = try times.first?.optionalTimestamp("shredded")
        let deletedAt = try times.first?.optionalTimestamp("deleted")
        let expiry = settings.backupExpiryDays
        var receipt = Receipt(
            request: record.id.text, scope: record.kind.rawValue,
            from: record.kind == .period ? record.periods?.lowerBound.description : nil,
            to: record.periods?.upperBound.description,
            commitment: record.commitment.map(Hex.encode), receivedAt: record.receivedAt,
            shreddedAt: shreddedAt, deletedAt: deletedAt,
            finishedAt: finishedAt, channels: channels.count, rows: rows, tombstones: tombstones,
            unreadable: unreadable, remaining: 0,
            keys: (channels.flatMap { record.scopes(of: $0) } + record.ownScopes)
                .flatMap(\.paths).map { archive.vault.fingerprint($0) },
            proof: proof,
            backups: .init(
                expiryDays: expiry,
                heldUntil: expiry.map {
                    (deletedAt ?? finishedAt).addingTimeInterval(TimeInterval($0) * 86_400)
                }),
            ringCopies: dated(copies, since: shreddedAt), told: told)
        if record.kind == .subject, let count = begun.sharedCount {
            receipt.sharedForgotten = record.shared == .leave ? 0 : count
            receipt.sharedKept = record.shared == .leave ? count : 0
        }
        return receipt
    }

    /// Readers a receipt lists.
    static let toldLimit = 1000

    /// Who was told, by token: by webhook where that took everything for it.
    func told(_ request: ChannelNumber) async throws -> [Receipt.Told] {
        var ways: [String: Receipt.Told.Way] = [:]
        var after: Int64 = 0
        while ways.count < Self.toldLimit {
            let page = try await archive.notices(of: request, after: after)
            for notice in page {
                let isDelivered = notice.deliveredAt != nil
                let known = ways[notice.reader.text] ?? .webhook
                ways[notice.reader.text] = isDelivered && known == .webhook ? .webhook : .event
            }
            guard page.count == Archive.noticePageLimit, let last = page.last else { break }
            after = last.number
        }
        return ways.sorted { $0.key < $1.key }.prefix(Self.toldLimit)
            .map { Receipt.Told(token: $0.key, by: $0.value) }
    }
}
