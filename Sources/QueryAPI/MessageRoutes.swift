import Archive
import Foundation
import HTTPServer
import Tangle
import Ternary
import Vault

/// Reading messages, and the evidence for them.
struct MessageRoutes: Sendable {
    /// Messages that a stream holds at once: some megabytes.
    private static let streamBatch = Archive.messageBatchLimit

    let archive: Archive
    let watch: ChannelWatch

    var routes: [Route] {
        [
            Route("GET", "/v1/channels/{id}/messages", .reader, messages),
            Route("GET", "/v1/channels/{id}/messages/{sequence}/bundle", .reader, bundle),
        ]
    }

    @Sendable private func messages(_ call: Call) async throws -> HTTPResponse {
        let channel = try call.channel()
        let format = try AnswerFormat(call.request)
        let query = try MessageQuery(call.request, of: channel, archive.vault)
        let record = try await archive.readable(channel, within: call.scope)
        switch format {
        case .json: return try await page(of: record, query, call)
        case .lines: return try await lines(of: record, query, call)
        case .csv: throw RequestError.notImplemented(what: "text/csv")
        }
    }

    private struct Page: Encodable {
        let messages: [MessageDocument]
        let next: String?
        let archive: ChannelStanding
    }

    /// How far the archive is with the channel; to who may read a part of it, how it stands.
    private struct ChannelStanding: Encodable {
        let sequence: Int64?
        let state: ChannelState
        let headPosition: Int64?
    }

    private func page(
        of channel: ChannelRecord, _ query: MessageQuery, _ call: Call
    ) async throws -> HTTPResponse {
        let isLimited = call.scope.isLimited(to: channel.id)
        let (stored, next) = try await archive.messages(
            of: channel.id, query.range, after: query.after,
            limit: query.limit ?? MessageQuery.defaultPage, within: call.scope)
        var reading = MessageReading(archive, channel: channel)
        let documents = try await reading.documents(of: stored)
        // Also where there is nothing more now: from there a reader goes on later.
        let last = next ?? stored.last?.key
        return try await answer(
            Page(
                messages: documents,
                next: try last.map {
                    try MessageCursor.text($0, of: channel.id, query.range.order, archive.vault)
                },
                archive: ChannelStanding(
                    sequence: isLimited ? nil : channel.messageCount, state: channel.state,
                    headPosition: isLimited ? nil : channel.headPosition)), of: channel, call)
    }

    /// An answer that was prepared from a channel: not sent where something of the channel was
    /// forgotten or restricted meanwhile, or the caller's token or grants ended, and cut where that
    /// happens while it is sent.
    private func answer(
        _ document: some Encodable, of channel: ChannelRecord, _ call: Call
    ) async throws -> HTTPResponse {
        guard let caller = call.caller else {
            throw RequestError.unauthenticated(tokenGiven: false)
        }
        let scope: ChannelScope
        do {
            scope = try await archive.checkStillAllowed(caller, of: channel.id)
        } catch ArchiveError.noSuchToken {
            throw RequestError.unauthenticated(tokenGiven: true)
        }
        let now = try await archive.readable(channel.id, within: scope)
        guard now.readersEpoch == channel.readersEpoch else {
            throw ArchiveError.fenced(channel.id)
        }
        return watch.watched(.json(document), [channel.id: channel.readersEpoch], call)
    }

    /// The whole range, one document a line. The first batch is read before the status goes
    /// out, so that what is wrong is told as a problem; what goes wrong later cuts the stream.
    private func lines(
        of channel: ChannelRecord, _ query: MessageQuery, _ call: Call
    ) async throws -> HTTPResponse {
        guard let caller = call.caller else {
            throw RequestError.unauthenticated(tokenGiven: false)
        }
        let batches = MessageBatches(
            archive: archive, channel: channel, query: query, caller: caller,
            batch: Self.streamBatch
        ) { try await $0.lines(of: $1) }
        var start = batches
        let first = try await start.next()
        return HTTPResponse(
            status: 200, headers: ["Content-Type": AnswerFormat.lines.rawValue],
            body: .stream { [start, watch] writer in
                // Also while a slow reader keeps a batch waiting.
                try await watch.during(
                    channel.id, since: channel.readersEpoch, by: .init(caller, of: channel.id)
                ) {
                    var rest = start
                    var batch = first
                    while let lines = batch {
                        try await writer.write(lines)
                        batch = try await rest.next()
                    }
                }
            })
    }

    private struct Evidence: Encodable {
        let sequence: Int64
        let bundle: Hash
        let attachments: [Attachment]
    }

    private struct Attachment: Encodable {
        let number: Int
        let transactions: [RawTransaction]
    }

    private struct RawTransaction: Encodable {
        let hash: Hash
        let trytes: Trytes
    }

    @Sendable private func bundle(_ call: Call) async throws -> HTTPResponse {
        let channel = try call.channel()
        guard let sequence = call.parameters["sequence"].flatMap({ Int64($0) }), sequence >= 0
        else { throw RequestError.noSuchMessage }
        let record = try await archive.readable(channel, within: call.scope)
        let (message, kept) = try await archive.evidence(
            of: record, sequence: sequence, within: call.scope)
        return try await answer(
            Evidence(
                sequence: sequence, bundle: message.head.bundle,
                attachments: kept.map { attachment in
                    Attachment(
                        number: attachment.number,
                        transactions: zip(
                            TransactionHashing.hashes(of: attachment.transactions),
                            attachment.transactions
                        ).map { RawTransaction(hash: $0, trytes: $1.trytes) })
                }), of: record, call)
    }
}
