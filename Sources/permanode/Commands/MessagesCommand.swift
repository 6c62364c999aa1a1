import Archive
import Assembly
import Foundation
import QueryAPI

/// Decrypts and prints a channel's messages.
enum MessagesCommand: Command {
    static let synopsis = Synopsis(
        name: "messages",
        summary:
            "Decrypts and prints a channel's messages in the order in which they were archived.",
        operands: .one("ID"),
        options: [
            .value("after", "CURSOR", "only what comes after this place"),
            .value("from", "T", "only messages claimed at this time (RFC 3339) or later"),
            .value("to", "T", "only messages claimed before this time"),
            .value("limit", "N", "at most so many"),
            .value("format", "FORMAT", "text (default), json, ndjson or csv"),
        ],
        notes: """
            With --limit, the cursor to go on with stands in `next` (json) or on standard error.
            text has a line a message: sequence, position.leaf, claimed time and content, with tabs
            between; control characters in the content are escaped.
            """)

    private static let limits = 1...1_000_000_000
    /// Messages held at once.
    private static let batch = 500

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let id = try arguments.channelOperand()
        let limit = try arguments.integer("limit", in: limits)
        let format = try arguments.choice("format", MessageFormat.self) ?? .text
        var range = MessageRange()
        range.from = try arguments.time("from")
        range.to = try arguments.time("to")
        let (console, cursor) = (context.console, arguments.value("after"))
        try await context.withInstance { [range] instance, _, _ in
            let archive = instance.archive
            let channel = try await archive.channel(id)
            var after: MessageKey?
            if let cursor {
                do {
                    after = try MessageCursor.key(cursor, of: id, range.order, archive.vault)
                } catch {
                    throw arguments.wrong("--after is no cursor of this channel")
                }
            }
            // Ends where the channel, or a part of it, is forgotten meanwhile, as over HTTP.
            try await ChannelWatch(archive).during(id, since: channel.readersEpoch) { [after] in
                var after = after
                var writer = MessageWriter(format: format, console: console)
                var reading = MessageReading(archive, channel: channel)
                var wanted = limit
                repeat {
                    let (stored, next) = try await archive.messages(
                        of: id, range, after: after, limit: min(wanted ?? batch, batch))
                    let documents = try await reading.documents(of: stored)
                    try Task.checkCancellation()
                    try writer.write(documents)
                    after = next ?? stored.last?.key ?? after
                    wanted = wanted.map { $0 - stored.count }
                    if next == nil { break }
                } while wanted != 0
                let next = try after.map {
                    try MessageCursor.text($0, of: id, range.order, archive.vault)
                }
                try writer.end(channel: channel, next: next)
                if let next, limit != nil, format != .json { console.note("next: \(next)") }
            }
        }
    }
}
