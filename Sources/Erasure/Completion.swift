import Archive
import Foundation
import Postgres
import Vault

/// What comes after the deletion: clearing the dead rows away, looking for what should be gone
/// in the database's files, and completing the receipts.
extension Eraser {
    /// Completes receipts of finished forgets, as far as that is possible now. One vacuum
    /// serves all that finished since the last, at most every `vacuumInterval`.
    ///
    /// - Parameter atOnce: does not wait for others.
    /// - Throws: what the database or the vault says; the next call goes on.
    package func complete(atOnce: Bool = false) async throws {
        let incomplete = try await archive.incompleteForgetRequests()
        let finished = incomplete.filter { $0.vacuumedAt == nil }
        if !finished.isEmpty, try await isVacuumDue(atOnce: atOnce) {
            let searches = try await vacuumAndSearch(for: finished)
            let vacuumedAt = clock()
            try await settings.faultPoint(.searched)
            for request in finished {
                try await complete(request.id, vacuumedAt: vacuumedAt, searches[request.id])
            }
        }
        let stale = try await staleRingCopies()
        for request in incomplete where request.vacuumedAt != nil {
            let receipt = try request.receipt.map {
                try SignedReceipt(text: Array($0.utf8)).receipt()
            }
            guard receipt?.ringCopies != dated(stale, since: receipt?.shreddedAt) || stale.isEmpty
            else { continue }
            try await complete(request.id, vacuumedAt: nil, nil)
        }
        if !incomplete.isEmpty { try await settings.faultPoint(.completed) }
    }

    /// Vacuums again where something is still found though every table was written anew: while
    /// anybody's transaction could still see the rows, they are taken along.
    private func vacuumAndSearch(for finished: [ForgetRequestRecord]) async throws
        -> [ChannelNumber: DatabaseSearch.Outcome]
    {
        var attempt = 1
        while true {
            let allAreNew = try await vacuum()
            try await settings.faultPoint(.vacuumed)
            let searches = try await search(for: finished)
            let isClean = searches.values.allSatisfy { $0.dataFiles.found == 0 }
            guard allAreNew, !isClean, attempt < Self.vacuumAttempts else { return searches }
            attempt += 1
            try await Task.sleep(for: Self.vacuumPause)
        }
    }

    /// Transactions of crawlers and readers are over in less than these take together.
    private static let vacuumAttempts = 5
    private static let vacuumPause: Duration = .seconds(1)

    private func isVacuumDue(atOnce: Bool) async throws -> Bool {
        guard !atOnce else { return true }
        let rows = try await archive.pool.withConnection {
            try await $0.query("select max(vacuumed_at) as last from forget_request")
        }
        guard let last = try rows.first?.optionalTimestamp("last") else { return true }
        return clock().timeIntervalSince(last) >= settings.vacuumInterval / .seconds(1)
    }

    /// Tables that forgets delete from or empty values of.
    private static let vacuumed =
        ChannelTable.allCases.map(\.rawValue) + [
            "channel", "registration", "subject", "forget_request", "forget_target",
        ]

    /// Tables up to this many bytes are written anew, which leaves nothing of the old rows in
    /// their pages; it takes a fraction of a second. Others keep cleared rows' bytes in the
    /// free space of their pages until that is used again.
    private static let rewriteLimit: Int64 = 16 << 20

    /// Vacuums on a connection of its own: it cannot run in a transaction, and may take long.
    ///
    /// - Returns: Whether every table was written anew.
    private func vacuum() async throws -> Bool {
        var configuration = archive.pool.configuration
        configuration.statementTimeout = .zero
        configuration.lockTimeout = .seconds(2)
        let connection = try await PostgresConnection.connect(configuration)
        let result = await Self.vacuumAll(on: connection)
        await connection.close()
        return try result.get()
    }

    private static func vacuumAll(on connection: PostgresConnection) async -> Result<
        Bool, any Error
    > {
        do {
            // Large tables are cleared at the pace of autovacuum, which readers do not notice.
            try await connection.script("set vacuum_cost_delay = '2ms'")
            var allAreNew = true
            for table in try await connection.leaves(of: vacuumed)
            where try await !rewrite(table, on: connection) {
                allAreNew = false
                try await connection.script("vacuum (index_cleanup on) \(table)")
            }
            return .success(allAreNew)
        } catch {
            return .failure(error)
        }
    }

    /// How often a table is asked for that somebody else holds; each wait holds up new readers.
    private static let rewriteAttempts = 3

    /// - Returns: False for a table that is too large, or that somebody reads on and on.
    private static func rewrite(_ table: String, on connection: PostgresConnection) async throws
        -> Bool
    {
        let size = try await connection.query(
            "select pg_total_relation_size($1::text::regclass) as bytes", [.text(table)])
        guard try (size.first?.int64("bytes") ?? .max) <= rewriteLimit else { return false }
        for _ in 0..<rewriteAttempts {
            do {
                try await connection.script("vacuum (full) \(table)")
                return true
            } catch {
                guard error.kind == .timeout else { throw error }
            }
        }
        return false
    }

    // MARK: The receipt

    private func complete(
        _ request: ChannelNumber, vacuumedAt: Date?, _ search: DatabaseSearch.Outcome?
    ) async throws {
        let stale = try await staleRingCopies()
        let told = try await told(request)
        try await archive.pool.withTransaction { connection in
            let rows = try await connection.query(
                """
                select receipt, vacuumed_at from forget_request
                where id = $1 and state = 'done' and completed_at is null for update
                """, [.int64(request.rawValue)])
            guard let row = rows.first, let text = try row.optionalText("receipt") else { return }
            let before = try SignedReceipt(text: Array(text.utf8)).receipt()
            var receipt = before
            receipt.vacuumedAt = try row.optionalTimestamp("vacuumed_at") ?? vacuumedAt
            if let search {
                receipt.proof.dataFiles = search.dataFiles
                receipt.proof.writeAheadLog = search.writeAheadLog
            }
            receipt.ringCopies = dated(stale, since: receipt.shreddedAt)
            receipt.told = told
            receipt.final = receipt.vacuumedAt != nil && stale.isEmpty
            guard receipt != before else { return }
            _ = try await connection.execute(
                """
                update forget_request set receipt = $2, vacuumed_at = $3,
                    completed_at = case when $4 then $5::timestamptz end
                where id = $1
                """,
                [
                    .int64(request.rawValue),
                    .text(try SignedReceipt(receipt, key: archive.vault.signingKey).text),
                    receipt.vacuumedAt.map(PostgresValue.timestamp) ?? .null,
                    .bool(receipt.final), .timestamp(clock()),
                ])
            _ = try await connection.execute(
                """
                update forget_target set sealed_sample = null
                where request = $1 and sealed_sample is not null
                """, [.int64(request.rawValue)])
        }
    }

    // MARK: Looking

    /// Looks once for what was noted of all these requests. A note that does not open holds up
    /// nobody's receipt; its own says so.
    private func search(for requests: [ForgetRequestRecord]) async throws
        -> [ChannelNumber: DatabaseSearch.Outcome]
    {
        var samples: [ChannelNumber: Sample] = [:]
        var damaged: Set<ChannelNumber> = []
        for request in requests {
            let rows = try await archive.pool.withConnection {
                try await $0.query(
                    """
                    select channel, sealed_sample from forget_target
                    where request = $1 and sealed_sample is not null
                    """, [.int64(request.id.rawValue)])
            }
            var sample = Sample()
            for row in rows {
                do {
                    let encoded = try archive.vault.openCursor(
                        row.bytes("sealed_sample"),
                        scope: Self.sampleScope(request.id, row.channelNumber("channel")))
                    sample.sequences += Sample(encoded: encoded)?.sequences ?? []
                } catch VaultError.wrongKeyOrDamaged {
                    damaged.insert(request.id)
                }
            }
            sample.sequences = Array(sample.sequences.prefix(Sample.limit))
            samples[request.id] = sample
        }
        let search = DatabaseSearch(
            pool: archive.pool, tables: Self.vacuumed, limit: settings.searchLimit)
        var outcomes = try await search.outcomes(of: samples)
        for request in damaged {
            let unknown = Receipt.Search(
                state: .notLookedAt, why: "what was noted to be looked for does not open",
                sought: 0)
            outcomes[request] = DatabaseSearch.Outcome(dataFiles: unknown, writeAheadLog: unknown)
        }
        return outcomes
    }
}
