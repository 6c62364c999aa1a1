import MAM
import Postgres
import Vault

/// Roots that the archive was told of and does not follow: a twin's or a late leaf's next root
/// other than the one that the chain took, and where an earlier chain stood when it was given up
/// for another. Nobody asks for them, so all that is kept is what they become when the channel is
/// forgotten: tombstones.
extension Archive {
    /// Notes next roots that verified messages name beside the one that is followed.
    func noteBypassed(by entries: [CommitEntry], on connection: PostgresConnection) async throws {
        var roots: [(channel: ChannelNumber, hash: [UInt8])] = []
        for entry in entries where !entry.isRefused {
            let known = entry.roots
            let named = Set(
                entry.intake.new.map(\.message).compactMap { message in
                    known.contains(message.message.nextRoot) ? nil : message.message.nextRoot
                })
            roots += named.map { (entry.channel, rootTombstone($0)) }
        }
        try await connection.insertBypassed(roots)
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
