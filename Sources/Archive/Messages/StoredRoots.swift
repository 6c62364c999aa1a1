import MAM
import Postgres
import Vault

extension Archive {
    /// The distinct roots of a batch of a channel's messages after a sequence; with those of
    /// its trees where the batch is the first.
    ///
    /// - Returns: The roots, how many values did not open, and the batch's last sequence:
    ///   nil where there were no messages.
    package func storedRoots(
        of channel: ChannelNumber, after: Int64, limit: Int, on connection: PostgresConnection
    ) async throws -> (roots: [Root], unreadable: Int, last: Int64?) {
        var roots: Set<Root> = []
        var unreadable = 0
        func take(_ root: () throws -> Root) throws {
            do {
                roots.insert(try root())
            } catch ArchiveError.damaged {
                unreadable += 1
            } catch VaultError.forgotten {
                unreadable += 1
            }
        }
        if after < 0 {
            let trees = try await connection.query(
                "select position, sealed_root from tree where channel = $1",
                [.int64(channel.rawValue)])
            for row in trees { try take { try treeRoot(row, of: channel) } }
        }
        let messages = try await connection.query(
            """
            select sequence, period, sealed_head from message
            where channel = $1 and sequence > $2 order by sequence limit $3
            """, [.int64(channel.rawValue), .int64(after), .int64(Int64(limit))])
        for row in messages {
            let sequence = try row.int64("sequence")
            try take { try head(row, of: channel, sequence: sequence).root }
        }
        return (Array(roots), unreadable, try messages.last?.int64("sequence"))
    }

    /// The root of a stored message; nil where it does not open.
    package func root(of row: PostgresRow, in channel: ChannelNumber) throws -> Root? {
        do {
            return try head(row, of: channel, sequence: row.int64("sequence")).root
        } catch ArchiveError.damaged {
            return nil
        } catch VaultError.forgotten {
            return nil
        }
    }
}
