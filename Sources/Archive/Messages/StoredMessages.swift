import Foundation
import Postgres
import Tangle
import Ternary
import Vault

/// A message as it is stored: what decrypting needs, and what the archive knows of it.
package struct StoredMessage: Sendable {
    package let sequence: Int64
    /// Trees from the registered root; of what lies before it as `EarlierChain` says.
    package let position: Int64
    package let leaf: Int64
    package let head: MessageHead
    /// The number of the side key that opens it; nil in modes without.
    package let sideKey: Int16?
    package let firstSeenAt: Date
    /// How many attachments were counted, the first included.
    package let attachments: Int
    /// Another authentic message was signed with the same leaf.
    package let conflict: Bool
    package let confirmed: Bool
    package let milestone: Int32?

    package var key: MessageKey {
        MessageKey(sequence: sequence, position: position, leaf: leaf)
    }
}

extension MessageKey {
    fileprivate init(row: PostgresRow) throws {
        self.init(
            sequence: try row.int64("sequence"), position: try row.int64("position"),
            leaf: try row.int64("leaf"))
    }
}

extension Archive {
    /// Messages one call gives at most; a longer answer is made of several.
    package static let messageBatchLimit = 1000

    /// Rows that one call reads at most. The exact claimed time is known only once a row is
    /// opened, so a call may read more than it gives.
    private static let scanLimit = 20_000

    /// Rows read at once where the exact claimed time decides which of them are given.
    private static let filteredBlock = 500

    /// Rows that one task opens.
    private static let rowsPerTask = 125

    /// Bytes of sealed heads that one call takes, unless a single one has more: a thousand
    /// telegrams. Decrypted and written down they are a few times as large.
    static let batchBytes = 2 << 20

    /// The next messages of a channel after `key`, as many as there are up to `limit`, or
    /// fewer where they are large.
    ///
    /// The channel's state is asked for with every call, so a reader of many batches stops
    /// at the first after a forget or a restriction.
    ///
    /// What it gives is recorded as read by `AuditActor.current`, unless `recorded` is false:
    /// then `recordRead` is to be called before anything of it is shown.
    ///
    /// - Parameters:
    ///   - source: Where its rows are read; nil is the primary.
    ///   - ofRestricted: Also of a restricted channel: for the person himself, whose access a
    ///     restriction does not touch.
    /// - Returns: The messages, of those that `scope` has, and where to go on: nil where there is
    ///   nothing more now.
    /// - Throws: `ArchiveError.noSuchChannel`, also for one outside `scope` or forgotten;
    ///   `.wrongState` for one that is restricted; `.auditBehind`.
    package func messages(
        of channel: ChannelNumber, _ range: MessageRange, after key: MessageKey? = nil,
        limit: Int, within scope: ChannelScope = .all, from source: MessageSource? = nil,
        ofRestricted: Bool = false, recorded: Bool = true
    ) async throws -> (messages: [StoredMessage], next: MessageKey?) {
        let found = try await unrecordedMessages(
            of: channel, range, after: key, limit: limit, within: scope, from: source,
            ofRestricted: ofRestricted)
        if recorded { try recordRead(found.messages, of: channel, within: scope) }
        return found
    }

    /// Records messages as read by `AuditActor.current`, by those grants of `scope` that cover some
    /// of them.
    ///
    /// - Throws: `ArchiveError.auditBehind`; `.fenced` where `scope` does not have all of them.
    package func recordRead(
        _ messages: [StoredMessage], of channel: ChannelNumber, within scope: ChannelScope
    ) throws {
        try recordRead(messages.map(\.mark), of: channel, within: scope)
    }

    /// The same of messages of which no more is known.
    package func recordRead(
        _ marks: [ReadMark], of channel: ChannelNumber, within scope: ChannelScope
    ) throws {
        if let windows = scope.windows(of: channel) {
            guard marks.allSatisfy({ mark in windows.contains { $0.contains(mark) } }) else {
                throw ArchiveError.fenced(channel)
            }
        }
        let grants = scope.grants(of: channel).filter {
            marks.contains(where: $0.window.contains)
        }
        try noteRead(
            marks.map(\.sequence), seen: marks.map(\.firstSeenAt), of: channel,
            by: basis(of: grants))
    }

    /// A channel whose messages may be read now.
    func checkReadable(
        _ channel: ChannelNumber, within scope: ChannelScope, ofRestricted: Bool
    ) async throws -> ChannelRecord {
        let record = try await self.channel(channel, within: scope)
        guard record.state != .forgotten else { throw ArchiveError.noSuchChannel(channel) }
        guard record.state != .restricted || ofRestricted else {
            throw ArchiveError.wrongState(channel, record.state)
        }
        return record
    }

    private func unrecordedMessages(
        of channel: ChannelNumber, _ range: MessageRange, after key: MessageKey?, limit: Int,
        within scope: ChannelScope, from source: MessageSource?, ofRestricted: Bool
    ) async throws -> (messages: [StoredMessage], next: MessageKey?) {
        let record = try await checkReadable(channel, within: scope, ofRestricted: ofRestricted)
        let limit = min(max(limit, 1), Self.messageBatchLimit)
        let windows = scope.windows(of: channel)
        var messages: [StoredMessage] = []
        var last = key
        var scanned = 0
        do {
            while messages.count < limit, scanned < Self.scanLimit {
                let missing = limit - messages.count
                let wanted = range.isFiltered ? max(missing, Self.filteredBlock) : missing
                let (rows, isCut) = try await self.rows(
                    of: record, range, after: last, limit: wanted, windows, from: source)
                scanned += rows.count
                for (row, message) in zip(rows, try await opened(rows, of: channel)) {
                    guard let message else {
                        last = try MessageKey(row: row)
                        continue
                    }
                    last = message.key
                    if range.contains(message.head.claimedAt) { messages.append(message) }
                    if messages.count == limit { return (messages, last) }
                }
                if rows.count < wanted, !isCut { return (messages, nil) }
                if isCut, !messages.isEmpty { break }
            }
        } catch VaultError.forgotten {
            throw ArchiveError.noSuchChannel(channel)
        }
        return (messages, last)
    }

    /// - Returns: Rows in order, and whether there are more that would make too many bytes.
    private func rows(
        of channel: ChannelRecord, _ range: MessageRange, after key: MessageKey?, limit: Int,
        _ windows: [GrantWindow]?, from source: MessageSource?
    ) async throws -> (rows: [PostgresRow], isCut: Bool) {
        var selection = MessageSelection(channel.id, range, after: key, windows)
        let most = selection.parameter(.int64(Int64(limit)))
        let bytes = selection.parameter(.int64(Int64(Self.batchBytes)))
        let (statement, parameters) = (
            """
            with page as (
                select sequence, position, leaf, period, side_key, first_seen_at,
                    attachments, conflict, confirmed, milestone, sealed_head
                \(selection.text) \(selection.order) limit \(most)),
            measured as (
                select *, count(*) over () as found,
                    coalesce(
                        sum(octet_length(sealed_head)) over (
                            \(selection.order)
                            rows between unbounded preceding and 1 preceding),
                        0) as bytes_before
                from page)
            select * from measured where bytes_before < \(bytes) \(selection.order)
            """, selection.parameters
        )
        let rows = try await rows(statement, parameters, of: channel, from: source)
        return (rows, try rows.first.map { try $0.int64("found") > rows.count } ?? false)
    }

    /// As many as there are rows, in the same order, on all processors; nil as for one.
    private func opened(
        _ rows: [PostgresRow], of channel: ChannelNumber
    ) async throws -> [StoredMessage?] {
        let starts = stride(from: 0, to: rows.count, by: Self.rowsPerTask)
        return try await withThrowingTaskGroup(of: (Int, [StoredMessage?]).self) { group in
            for start in starts {
                let part = rows[start..<min(start + Self.rowsPerTask, rows.count)]
                group.addTask {
                    (start, try part.map { try unlessForgotten($0, of: channel) })
                }
            }
            var parts: [Int: [StoredMessage?]] = [:]
            for try await (start, part) in group { parts[start] = part }
            return starts.flatMap { parts[$0] ?? [] }
        }
    }

    func stored(_ row: PostgresRow, of channel: ChannelNumber) throws -> StoredMessage {
        let sequence = try row.int64("sequence")
        return StoredMessage(
            sequence: sequence, position: try row.int64("position"), leaf: try row.int64("leaf"),
            head: try namedHead(row, of: channel, sequence: sequence),
            sideKey: try row.optionalInt16("side_key"),
            firstSeenAt: try row.timestamp("first_seen_at"),
            attachments: Int(try row.int32("attachments")), conflict: try row.bool("conflict"),
            confirmed: try row.bool("confirmed"), milestone: try row.optionalInt32("milestone"))
    }

    /// Nil where the message's period is being forgotten while the channel stays.
    private func unlessForgotten(_ row: PostgresRow, of channel: ChannelNumber) throws
        -> StoredMessage?
    {
        do {
            return try stored(row, of: channel)
        } catch VaultError.forgotten {
            guard try !vault.isForgotten(channel) else {
                throw ArchiveError.noSuchChannel(channel)
            }
            return nil
        }
    }

    private func namedHead(_ row: PostgresRow, of channel: ChannelNumber, sequence: Int64)
        throws -> MessageHead
    {
        do {
            return try head(row, of: channel, sequence: sequence)
        } catch ArchiveError.damaged {
            throw ArchiveError.damagedMessage(channel, sequence: sequence)
        }
    }

    func head(_ row: PostgresRow, of channel: ChannelNumber, sequence: Int64) throws
        -> MessageHead
    {
        let column = SealedColumn.messageHead
        let encoded = try vault.open(
            row.bytes("sealed_head"), column,
            column.context(channel, row.period("period"), row: sequence))
        do {
            return try MessageHead(encoded: encoded)
        } catch {
            throw ArchiveError.damaged(table: column.table, channel: channel)
        }
    }
}
