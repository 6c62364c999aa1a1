import Archive
import Postgres
import Vault

/// What a forget would erase, in counts.
package struct ForgetPlan: Sendable, Equatable, Codable {
    package var channels: Int
    /// Rows by table.
    package var rows: [String: Int]

    package init(channels: Int, rows: [String: Int]) {
        self.channels = channels
        self.rows = rows
    }
}

/// The tables that hold rows of a channel, in the order in which they are emptied. The
/// channel's own row stays as a husk that says that its number is taken.
enum ChannelTable: String, CaseIterable {
    case message, attachment, candidate, tree, recipient
    case sideKey = "side_key"
    case tokenChannel = "token_channel"
}

extension Archive {
    /// - Throws: `ArchiveError.noSuchSubject`, `.noSuchChannel` (also for a forgotten one).
    package func planForget(_ scope: ForgetSelector) async throws -> ForgetPlan {
        let numbers: [Int64]
        switch scope {
        case .subject(let pseudonym):
            let subject = try await subject(pseudonym)
            numbers = try await pool.withConnection {
                try await $0.query(
                    "select id from channel where subject = $1 and state <> 'forgotten'",
                    [.int64(subject.rawValue)])
            }.map { try $0.int64("id") }
        case .channel(let channel):
            guard try await self.channel(channel).state != .forgotten else {
                throw ArchiveError.noSuchChannel(channel)
            }
            numbers = [channel.rawValue]
        }
        return ForgetPlan(
            channels: numbers.count,
            rows: try await pool.withConnection { try await $0.countRows(of: numbers) })
    }
}

extension PostgresConnection {
    /// Rows of channels by table.
    func countRows(of channels: [Int64]) throws -> [String: Int] {
        var counts: [String: Int] = [:]
        for table in ChannelTable.allCases {
            let rows = try query(
                "select count(*) as rows from \(table.rawValue) where channel = any ($1)",
                [.int64Array(channels)])
            counts[table.rawValue] = Int(try rows.first?.int64("rows") ?? 0)
        }
        return counts
    }
}
