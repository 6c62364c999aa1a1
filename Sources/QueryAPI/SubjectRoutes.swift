import Archive
import Foundation
import HTTPServer
import Vault

/// What a person sees of himself, by a token that is bound to him.
struct SubjectRoutes: Sendable {
    let archive: Archive
    let watch: ChannelWatch
    let clock: @Sendable () -> Date

    var routes: [Route] {
        [
            Route("GET", "/v1/subject", .subject, show),
            Route("GET", "/v1/subject/export", .subject, export),
        ]
    }

    private struct Held: Encodable {
        /// The person's number, by which his access log is asked for.
        let id: String
        let consent: ConsentDocument?
        let channels: [HoldingDocument]
    }

    @Sendable private func show(_ call: Call) async throws -> HTTPResponse {
        guard let subject = call.caller?.subject else { throw RequestError.forbidden }
        let holdings = try await archive.holdings(within: call.scope)
        return .json(
            Held(
                id: subject.text,
                consent: try await archive.consentStanding(of: subject).map(ConsentDocument.init),
                channels: holdings.map(HoldingDocument.init)))
    }

    /// A line of the export, told apart by the one field it has.
    private struct Line: Encodable {
        var channel: HoldingDocument?
        var message: OfChannel?
        var audit: AuditRecordDocument?
        /// The last line; an export without it is not whole.
        var end: SubjectExport.Counts?
    }

    private struct OfChannel: Encodable {
        let channel: String
        let message: MessageDocument

        private enum Key: String, CodingKey { case channelId }

        func encode(to encoder: any Encoder) throws {
            try message.encode(to: encoder)
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(channel, forKey: .channelId)
        }
    }

    @Sendable private func export(_ call: Call) async throws -> HTTPResponse {
        guard let subject = call.caller?.subject else { throw RequestError.forbidden }
        let export = SubjectExport(archive: archive, subject: subject)
        let now = clock()
        let marks = try await archive.holdings(within: call.scope).map {
            ($0.channel.id, $0.channel.readersEpoch)
        }
        let readings = call.readings(of: marks.map(\.0))
        return HTTPResponse(
            status: 200,
            headers: [
                "Content-Type": AnswerFormat.lines.rawValue,
                "Content-Disposition": "attachment; filename=\"export.ndjson\"",
            ],
            body: .stream { [watch] writer in
                // Also while a slow reader keeps a part waiting. What is restricted stays the
                // person's own to have.
                try await watch.during(
                    Dictionary(marks, uniquingKeysWith: min), by: readings, ofRestricted: true
                ) {
                    let counts = try await export.run(now: now) { part in
                        try await writer.write(Self.lines(part))
                    }
                    try await writer.write(Self.bytes([Line(end: counts)]))
                }
            })
    }

    private static func lines(_ part: SubjectExport.Part) throws -> [UInt8] {
        switch part {
        case .channel(let holding): try bytes([Line(channel: holding)])
        case .messages(let messages, let channel):
            try bytes(
                messages.map { Line(message: OfChannel(channel: channel.text, message: $0)) })
        case .audit(let records): try bytes(records.map { Line(audit: $0) })
        }
    }

    private static func bytes(_ lines: [Line]) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var bytes: [UInt8] = []
        for line in lines {
            bytes += try encoder.encode(line)
            bytes.append(UInt8(ascii: "\n"))
        }
        return bytes
    }
}
