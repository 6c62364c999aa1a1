import Postgres
import Vault

extension Archive {
    /// Notes the first tree that each side key opened.
    func markSideKeys(of entries: [CommitEntry], on connection: PostgresConnection) async throws {
        struct Key: Hashable {
            let channel: Int64
            let number: Int16
        }
        var first: [Key: Int64] = [:]
        for entry in entries where !entry.isRefused {
            for message in entry.found.messages {
                guard let number = message.sideKey,
                    entry.found.firstPositions[number].map({ message.position < $0 }) ?? true
                else { continue }
                let key = Key(channel: entry.channel.rawValue, number: number)
                first[key] = min(first[key] ?? message.position, message.position)
            }
        }
        guard !first.isEmpty else { return }
        let marks = Array(first)
        _ = try await connection.execute(
            """
            update side_key s set first_position = k.position
            from unnest($1::bigint[], $2::smallint[], $3::bigint[])
                as k (channel, number, position)
            where s.channel = k.channel and s.number = k.number
                and (s.first_position is null or s.first_position > k.position)
            """,
            [
                .int64Array(marks.map(\.key.channel)), .int16Array(marks.map(\.key.number)),
                .int64Array(marks.map(\.value)),
            ])
    }

    /// Notes which messages the ledger confirmed: those that were found again, and those with an
    /// attachment that was asked after.
    func markConfirmed(by entries: [CommitEntry], on connection: PostgresConnection) async throws {
        let entries = entries.filter { !$0.isRefused }
        let again = entries.flatMap { entry in
            entry.intake.confirmed.map { (entry.channel.rawValue, $0.key, $0.value) }
        }
        if !again.isEmpty {
            _ = try await connection.execute(
                """
                update message m set
                    confirmed = true, milestone = coalesce(m.milestone, k.milestone)
                from unnest($1::bigint[], $2::bigint[], $3::integer[])
                    as k (channel, sequence, milestone)
                where m.channel = k.channel and m.sequence = k.sequence
                    and (not m.confirmed or m.milestone is null and k.milestone is not null)
                """,
                [
                    .int64Array(again.map(\.0)), .int64Array(again.map(\.1)),
                    .int32Array(again.map(\.2)),
                ])
        }
        let tails = try entries.flatMap { entry in
            try entry.found.confirmed.map {
                (entry.channel.rawValue, try attachmentLookup($0.key, entry.channel), $0.value)
            }
        }
        guard !tails.isEmpty else { return }
        _ = try await connection.execute(
            """
            update message m set
                confirmed = true, milestone = coalesce(m.milestone, k.milestone)
            from unnest($1::bigint[], $2::bytea[], $3::integer[])
                    as k (channel, lookup, milestone)
                join attachment a on a.channel = k.channel and a.lookup = k.lookup
            where m.channel = a.channel and m.sequence = a.sequence
                and (not m.confirmed or m.milestone is null and k.milestone is not null)
            """,
            [
                .int64Array(tails.map(\.0)), .bytesArray(tails.map(\.1)),
                .int32Array(tails.map(\.2)),
            ])
    }
}
