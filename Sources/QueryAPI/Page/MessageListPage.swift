import Archive
import HTTPServer
import Vault

/// A channel's messages, page after page.
struct MessageListPage: Sendable {
    private enum Direction: String, CaseIterable { case asc, desc }

    private static let pageSize = 50
    /// Characters of a message in a list: a page is sent at once, and stays small.
    private static let excerptLength = 140

    let archive: Archive

    @Sendable func response(_ call: Call) async throws -> HTTPResponse {
        let channel = try call.channel()
        let query = try RequestQuery(call.request, known: ["after", "direction"])
        let direction = try query.choice("direction", Direction.self) ?? .desc
        let after = try query.text("after").map { text throws(RequestError) in
            try MessageCursor.key(text, of: channel, .sequence, archive.vault)
        }
        let shown = try await ShownChannel(archive, call)
        let (messages, next) = try await shown.messages(
            after: after, latestFirst: direction == .desc, limit: Self.pageSize)
        try await shown.checkStillShown()
        let (path, label) = ("/channels/\(channel.text)", shown.record.label)
        let more = try next.map { key -> HTML in
            let cursor = try MessageCursor.text(key, of: channel, .sequence, archive.vault)
            return """
                <a class="button" href="\(path)/messages?direction=\(direction.rawValue)&amp;after=\(cursor)">\
                \(direction == .desc ? "Older" : "Newer") messages</a>
                """
        }
        let first: HTML? =
            after == nil
            ? nil
            : "<a class=\"button\" href=\"\(path)/messages?direction=\(direction.rawValue)\">From the start</a>"
        let turn = direction == .desc ? Direction.asc : .desc
        return Page(
            "Messages of \(label ?? channel.text)", .channels, for: call,
            """
            <p class="crumbs"><a href="/">Channels</a> /
            <a href="\(path)"><bdi>\(label ?? channel.text)</bdi></a> /</p>
            <div class="head"><h1>Messages</h1>
            <a class="button actions" href="\(path)/messages?direction=\(turn.rawValue)">\
            \(turn == .desc ? "Latest" : "Earliest") first</a></div>
            <p class="sub-line">In the order in which the archive took them in. Their times are what the
            sender claims.</p>
            \(messages.isEmpty ? Self.none : "<div class=\"card flush\">\(Self.table(messages, of: channel.text))</div>")
            <div class="pages">\(first)\(more)</div>
            """
        ).response()
    }

    private static let none: HTML = """
        <div class="card empty"><h2>No messages here</h2>
        <p>The archive has none of this channel yet, or none beyond this page.</p></div>
        """

    static func table(_ messages: [MessageDocument], of channel: String) -> HTML {
        let rows = messages.map { message -> HTML in
            """
            <tr><th scope="row"><a href="/channels/\(channel)/messages/\(message.sequence)">\
            #\(message.sequence)</a></th>
            <td>\(PageWords.time(message.claimedAt, otherwise: "no time"))\(marks(message))
            \(gist(message))</td>
            <td class="number wide">\(message.position)/\(message.leaf)</td></tr>
            """
        }
        return """
            <table class="list"><thead><tr><th scope="col">Message</th><th scope="col">Claimed time and content</th>
            <th scope="col" class="number wide">Tree/leaf</th></tr></thead><tbody>\(rows)</tbody></table>
            """
    }

    /// What sets a message apart.
    static func marks(_ message: MessageDocument) -> [HTML] {
        var marks: [HTML] = []
        if message.conflict { marks.append(" <span class=\"badge bad\">conflict</span>") }
        return marks
    }

    /// What a meter says in it, or how it begins.
    private static func gist(_ message: MessageDocument) -> HTML {
        if let gist = message.text.flatMap(MeterGist.init) {
            return "<span class=\"gist\">\(gist.line)</span>"
        }
        return "<span class=\"excerpt\"><bdi>\(excerpt(message))</bdi></span>"
    }

    private static func excerpt(_ message: MessageDocument) -> String {
        guard let text = message.text else { return "no text: trytes" }
        // A line is enough, however the text is broken.
        let start = text.prefix(excerptLength * 2).split(whereSeparator: \.isWhitespace)
            .joined(separator: " ").prefix(excerptLength)
        return start.utf8.count < text.utf8.count ? start + "…" : String(start)
    }
}
