import Foundation
import Postgres

/// What decides whether the next messages of a channel are told as they were before, without
/// opening them: which rows there are, and what of them can change.
package struct MessageRevision: Sendable {
    /// Of the rows' sequences and marks; 32 bytes.
    package let digest: [UInt8]
    /// Whether there are more rows than were wanted, so that what comes in later is not among
    /// them where they are in the order of sequences.
    package let isFull: Bool
    /// The last of the rows where there are more behind them; nil where these were all.
    private let edge: MessageKey?
    private let range: MessageRange

    fileprivate init(
        digest: [UInt8], isFull: Bool, edge: MessageKey?, range: MessageRange
    ) {
        self.digest = digest
        self.isFull = isFull
        self.edge = edge
        self.range = range
    }

    /// Whether what was told depends on these rows alone.
    ///
    /// - Parameter next: where to go on, as `Archive.messages` says.
    package func covers(_ next: MessageKey?) -> Bool {
        guard let edge else { return true }
        guard let next else { return false }
        let places = [next, edge].map { key in
            range.order == .sequence ? [key.sequence] : [key.position, key.leaf, key.sequence]
        }
        let ordered = range.descending ? Array(places.reversed()) : places
        return !ordered[1].lexicographicallyPrecedes(ordered[0])
    }
}

extension Archive {
    /// Rows beyond a page that are looked at where the exact claimed time decides: those of the
    /// days at both ends that are not in the range, unless there are very many.
    private static let rowsBeyond = 1000

    /// What the next messages after `key` depend on. To be asked for before they are read: what
    /// changes in between then counts as a change, and from the same source.
    package func revision(
        of channel: ChannelRecord, _ range: MessageRange, after key: MessageKey?, limit: Int,
        within scope: ChannelScope, from source: MessageSource? = nil
    ) async throws -> MessageRevision {
        var selection = MessageSelection(
            channel.id, range, after: key, scope.windows(of: channel.id))
        let wanted =
            min(max(limit, 1), Self.messageBatchLimit) + (range.isFiltered ? Self.rowsBeyond : 0)
        let most = selection.parameter(.int64(Int64(wanted)))
        let (statement, parameters) = (
            """
            with page as (
                select sequence, position, leaf, attachments, conflict, confirmed, milestone
                \(selection.text) \(selection.order) limit \(most) + 1)
            select count(*) as found,
                sha256(convert_to(coalesce(string_agg(
                    concat_ws(
                        ' ', sequence, attachments, conflict::int, confirmed::int,
                        coalesce(milestone, -1)),
                    ',' \(selection.order)), ''), 'UTF8')) as digest,
                coalesce((array_agg(sequence \(selection.order)))[\(most)::int], 0) as sequence,
                coalesce((array_agg(position \(selection.order)))[\(most)::int], 0) as position,
                coalesce((array_agg(leaf \(selection.order)))[\(most)::int], 0) as leaf
            from page
            """, selection.parameters
        )
        let rows = try await rows(statement, parameters, of: channel, from: source)
        guard let row = rows.first else {
            return MessageRevision(digest: [], isFull: false, edge: nil, range: range)
        }
        let isFull = try row.int64("found") > wanted
        return MessageRevision(
            digest: try row.bytes("digest"), isFull: isFull,
            edge: isFull
                ? MessageKey(
                    sequence: try row.int64("sequence"), position: try row.int64("position"),
                    leaf: try row.int64("leaf")) : nil,
            range: range)
    }
}
