import Foundation
import MAM
import Postgres
import Ternary
import Vault

/// A message as it is stored, not opened yet: for who needs its content and no more of it.
package struct SealedMessage: Sendable {
    package let mark: ReadMark
    /// The number of the side key that opens it; nil in modes without.
    package let sideKey: Int16?
    fileprivate let period: Period
    fileprivate let sealedHead: [UInt8]
}

/// Where who reads by claimed days stands: the last message read.
package struct ClaimKey: Sendable, Equatable {
    let claimedDay: Int32
    let sequence: Int64
}

extension Archive {
    /// The next messages of a channel that claim a time of certain days, as many as there are up
    /// to `limit`, or fewer where they are large: day after day, and each day's in the order in
    /// which they were taken in. Of a long range that is a step of an index, where putting all of it
    /// into the order of sequences would take as long as reading it. They are not opened, and so may
    /// claim a time of those days outside the range: `readRequest` tells.
    ///
    /// The channel's state is asked for with every call. What is given is not recorded:
    /// `recordRead` is to be called before anything of it is shown.
    ///
    /// - Returns: The messages, of those that `scope` has, and where to go on: nil where there is
    ///   nothing more now.
    /// - Throws: As `messages`.
    package func sealedMessages(
        of channel: ChannelNumber, claimedWithin claims: Range<Date>, after key: ClaimKey? = nil,
        limit: Int, within scope: ChannelScope = .all, from source: MessageSource? = nil
    ) async throws -> (messages: [SealedMessage], next: ClaimKey?) {
        let record = try await checkReadable(channel, within: scope, ofRestricted: false)
        let limit = min(max(limit, 1), Self.messageBatchLimit)
        var parameters: [PostgresValue] = [
            .int64(channel.rawValue), .int32(MessageSelection.day(claims.lowerBound)),
            .int32(MessageSelection.day(claims.upperBound)), .int64(Int64(limit)),
            .int64(Int64(Self.batchBytes)),
        ]
        var condition = "channel = $1 and claimed_day >= $2 and claimed_day <= $3"
        if let key {
            condition += " and (claimed_day, sequence) > ($6, $7)"
            parameters += [.int32(key.claimedDay), .int64(key.sequence)]
        }
        if let windows = scope.windows(of: channel) {
            condition += " and \(WindowColumns.anyContains("m", from: parameters.count + 1))"
            parameters += WindowColumns.parameters(windows)
        }
        // Rows are counted by their sizes first, and then taken: twice through the index costs
        // less than putting large values down in between.
        let (statement, values) = (
            """
            select sequence, position, claimed_day, first_seen_at, side_key, period, sealed_head
            from message m where \(condition) order by claimed_day, sequence limit (
                select count(*) from (
                    select sum(size) over (
                        order by claimed_day, sequence
                        rows between unbounded preceding and 1 preceding) as bytes_before
                    from (
                        select claimed_day, sequence, octet_length(sealed_head) as size
                        from message m where \(condition)
                        order by claimed_day, sequence limit $4) page) measured
                where bytes_before is null or bytes_before < $5)
            """, parameters
        )
        let rows = try await rows(statement, values, of: record, from: source)
        let messages = try rows.map(Self.sealed)
        let bytes = messages.reduce(0) { $0 + $1.sealedHead.count }
        let isLast = messages.count < limit && bytes < Self.batchBytes
        return (messages, isLast ? nil : messages.last?.mark.claimKey)
    }

    /// By number: names are looked up in each row.
    private static func sealed(_ row: PostgresRow) throws -> SealedMessage {
        SealedMessage(
            mark: ReadMark(
                sequence: try row.int64(0), position: try row.int64(1),
                firstSeenAt: try row.timestamp(3), claimedDay: try row.int32(2)),
            sideKey: try row.optionalInt16(4), period: try row.period(5),
            sealedHead: try row.bytes(6))
    }

    /// What reads the content of a message that claims a time within `claims`; nil for another,
    /// and where the message's period is being forgotten while the channel stays.
    ///
    /// - Throws: `ArchiveError.damagedMessage`; `.noSuchChannel` where it was forgotten meanwhile.
    package func readRequest(
        _ message: SealedMessage, of channel: ChannelNumber, claimedWithin claims: Range<Date>,
        sideKey: SideKey?
    ) throws -> ReadRequest? {
        let sequence = message.mark.sequence
        let context = SealedColumn.messageHead.context(channel, message.period, row: sequence)
        do {
            let encoded = try vault.open(message.sealedHead, context)
            let content = try MessageContent(encoded: encoded)
            guard let claimedAt = content.claimedAt, claims.contains(claimedAt) else { return nil }
            return try content.request(sideKey: sideKey)
        } catch VaultError.forgotten {
            guard try !vault.isForgotten(channel) else {
                throw ArchiveError.noSuchChannel(channel)
            }
            return nil
        } catch is ByteReader.Mismatch, is TernaryError, VaultError.wrongKeyOrDamaged {
            throw ArchiveError.damagedMessage(channel, sequence: sequence)
        }
    }
}

extension ReadMark {
    fileprivate var claimKey: ClaimKey? {
        claimedDay.map { ClaimKey(claimedDay: $0, sequence: sequence) }
    }
}
