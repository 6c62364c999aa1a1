import MAM
import Postgres
import Vault

/// Roots that the archive was told of and does not follow: a twin's or a late leaf's next root
/// other than the one that the chain took, and where an earlier chain stood when it was given up
/// for another. Nobody asks for them, so all that is kept is what they become when the channel is
/// forgotten: tombstones.
extension Archive {
    /// Notes next roots that verified messages name beside the one that is followed: to be called
    /// when the heads' steps are taken.
    func noteBypassed(by entries: [CommitEntry], on connection: PostgresConnection) async throws {
        var named: [NamedRoot] = []
        for entry in entries where !entry.isRefused {
            var known = Set(entry.found.messages.map(\.root))
            if entry.isNextTaken, let advance = entry.found.advance {
                known.insert(advance.nextRoot)
            }
            let others = Set(
                entry.intake.new.lazy.map(\.message).filter { !known.contains($0.message.nextRoot) }
                    .map {
                        NamedRoot(
                            channel: entry.channel, position: $0.position + 1,
                            root: $0.message.nextRoot)
                    })
            named += others
            // Of one step alone nothing is left to name it, when it is not taken.
            if !entry.isNextTaken, let advance = entry.found.advance {
                named.append(
                    NamedRoot(
                        channel: entry.channel, position: advance.position + 1,
                        root: advance.nextRoot))
            }
        }
        let taken = try await takenRoots(of: named, on: connection)
        try await connection.insertBypassed(
            zip(named, taken).compactMap { named, taken in
                named.root == taken ? nil : (named.channel, rootTombstone(named.root))
            })
    }

    /// A root that a message names as that of the tree after its own.
    private struct NamedRoot: Hashable {
        let channel: ChannelNumber
        let position: Int64
        let root: Root
    }

    /// The roots of the trees that the chains have at these places; nil where they have none, or
    /// it does not open any more.
    private func takenRoots(of named: [NamedRoot], on connection: PostgresConnection) async throws
        -> [Root?]
    {
        guard !named.isEmpty else { return [] }
        let rows = try await connection.query(
            """
            select k.channel, k.position, t.sealed_root, m.sequence, m.period, m.sealed_head
            from unnest($1::bigint[], $2::bigint[]) with ordinality as k (channel, position, place)
                left join tree t on t.channel = k.channel and t.position = k.position
                left join lateral (
                    select sequence, period, sealed_head from message
                    where channel = k.channel and position = k.position
                    order by leaf, sequence limit 1) m on t.channel is null
            order by k.place
            """,
            [
                .int64Array(named.map(\.channel.rawValue)), .int64Array(named.map(\.position)),
            ])
        return try rows.map { row in
            let channel = try row.channelNumber("channel")
            do {
                if try row.optionalBytes("sealed_root") != nil {
                    return try treeRoot(row, of: channel)
                }
                guard let sequence = try row.optionalInt64("sequence") else { return nil }
                return try head(row, of: channel, sequence: sequence).root
            } catch ArchiveError.damaged {
                return nil
            } catch VaultError.forgotten {
                return nil
            }
        }
    }

    /// Notes where a channel's trees at some positions stand, before they are given up.
    func noteBypassed(
        trees positions: [Int64], of channel: ChannelNumber, on connection: PostgresConnection
    ) async throws {
        let rows = try await connection.query(
            "select position, sealed_root from tree where channel = $1 and position = any ($2)",
            [.int64(channel.rawValue), .int64Array(positions)])
        try await connection.insertBypassed(
            try rows.map { (channel, rootTombstone(try treeRoot($0, of: channel))) })
    }
}

extension PostgresConnection {
    fileprivate func insertBypassed(_ roots: [(channel: ChannelNumber, hash: [UInt8])]) throws {
        guard !roots.isEmpty else { return }
        _ = try execute(
            """
            insert into bypassed_root (channel, hash)
            select channel, hash from unnest($1::bigint[], $2::bytea[]) b (channel, hash)
            order by channel, hash
            on conflict do nothing
            """,
            [
                .int64Array(roots.map(\.channel.rawValue)), .bytesArray(roots.map(\.hash)),
            ])
    }
}
