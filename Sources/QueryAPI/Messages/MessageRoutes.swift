import Archive
import Foundation
import HTTPServer
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
        let source = archive.messageSource()
        let tag = try await tag(of: record, query, format, source, call)
        var response: HTTPResponse
        if let tag, tag.name.isNamed(in: call.request) {
            response = HTTPResponse(status: 304, headers: ["ETag": tag.name.text])
        } else if format == .json {
            response = try await page(of: record, query, tag, source, call)
        } else {
            response = try await table(of: record, query, format, tag, source, call)
        }
        response.headers.tell(source)
        response.headers.append("Vary", "Accept")
        return response
    }

    /// What an answer has a tag by, and when.
    private struct Tag {
        let name: EntityTag
        let revision: MessageRevision
    }

    /// Asked for before anything is read, so that a change in between makes it a tag of what was
    /// before. Nil where the answer has no bound: a tag would take reading all of it.
    private func tag(
        of channel: ChannelRecord, _ query: MessageQuery, _ format: AnswerFormat,
        _ source: MessageSource?, _ call: Call
    ) async throws -> Tag? {
        let limit = query.limit ?? (format == .json ? MessageQuery.defaultPage : nil)
        guard let limit else { return nil }
        let revision = try await archive.revision(
            of: channel, query.range, after: query.after, limit: limit, within: call.scope,
            from: source)
        var parts = [
            "1", format.rawValue, String(channel.readersEpoch), query.text, String(limit),
            Data(revision.digest).base64EncodedString(),
        ]
        if format == .json {
            let isLimited = call.scope.isLimited(to: channel.id)
            parts += [channel.state.rawValue, String(isLimited)]
            // What is before the end of the channel stays as it is while the channel grows.
            if !revision.isFull, !isLimited {
                parts += [String(channel.messageCount), String(channel.headPosition)]
            }
        }
        return Tag(
            name: try EntityTag(of: channel.id, parts, archive.vault), revision: revision)
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
        of channel: ChannelRecord, _ query: MessageQuery, _ tag: Tag?, _ source: MessageSource?,
        _ call: Call
    ) async throws -> HTTPResponse {
        let isLimited = call.scope.isLimited(to: channel.id)
        let (stored, next) = try await archive.messages(
            of: channel.id, query.range, after: query.after,
            limit: query.limit ?? MessageQuery.defaultPage, within: call.scope, from: source)
        var reading = MessageReading(archive, channel: channel)
        let documents = try await reading.documents(of: stored)
        // Also where there is nothing more now: from there a reader goes on later.
        let last = next ?? stored.last?.key
        var response = try await answer(
            Page(
                messages: documents,
                next: try last.map {
                    try MessageCursor.text($0, of: channel.id, query.range.order, archive.vault)
                },
                archive: ChannelStanding(
                    sequence: isLimited ? nil : channel.messageCount, state: channel.state,
                    headPosition: isLimited ? nil : channel.headPosition)), of: channel, call)
        if let tag, tag.revision.covers(next) { response.headers["ETag"] = tag.name.text }
        return response
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

    /// The whole range, one message a line or record. The first batch is read before the status
    /// goes out, so that what is wrong is told as a problem; what goes wrong later cuts the stream.
    private func table(
        of channel: ChannelRecord, _ query: MessageQuery, _ format: AnswerFormat, _ tag: Tag?,
        _ source: MessageSource?, _ call: Call
    ) async throws -> HTTPResponse {
        guard let caller = call.caller else {
            throw RequestError.unauthenticated(tokenGiven: false)
        }
        var start = MessageBatches(
            archive: archive, channel: channel, query: query, caller: caller,
            batch: Self.streamBatch, from: source
        ) { reading, messages in
            format == .csv
                ? try await reading.csv(of: messages) : try await reading.lines(of: messages)
        }
        let first = try await start.next()
        let header = format == .csv ? MessageDocument.csvHeader : []
        var response = HTTPResponse(
            status: 200, headers: ["Content-Type": format.rawValue],
            body: .stream { [start, watch] writer in
                // Also while a slow reader keeps a batch waiting.
                try await watch.during(
                    channel.id, since: channel.readersEpoch, by: .init(caller, of: channel.id)
                ) {
                    var rest = start
                    var batch = first
                    if !header.isEmpty { try await writer.write(header) }
                    while let text = batch {
                        try await writer.write(text)
                        batch = try await rest.next()
                    }
                }
            })
        if let tag, let end = start.end, tag.revision.covers(end.next) {
            response.headers["ETag"] = tag.name.text
        }
        return response
    }

    @Sendable private func bundle(_ call: Call) async throws -> HTTPResponse {
        let channel = try call.channel()
        guard let sequence = call.parameters["sequence"].flatMap({ Int64($0) }), sequence >= 0
        else { throw RequestError.noSuchMessage }
        let record = try await archive.readable(channel, within: call.scope)
        let (message, kept) = try await archive.evidence(
            of: record, sequence: sequence, within: call.scope)
        return try await answer(EvidenceDocument(message, kept), of: record, call)
    }
}
