import Archive
import Foundation
import HTTPServer
import MAM
import Vault

/// A channel: its energy, how it is followed, its latest messages, its keys and its readers.
struct ChannelPage: Sendable {
    private static let messagesShown = 5

    let archive: Archive

    @Sendable func response(_ call: Call) async throws -> HTTPResponse {
        let record = try await archive.channel(call.channel(), within: call.scope)
        let channel = ChannelDocument(
            record, isAdmin: call.isAdmin, isLimited: call.scope.isLimited(to: record.id))
        guard record.state != .forgotten else {
            return Page("Forgotten channel", .channels, for: call, Self.forgotten(channel))
                .response()
        }
        let latest = try await latest(record, call)
        let keys = call.isAdmin ? try await archive.keyEpochs(of: record.id) : []
        let readers =
            call.isAdmin
            ? try await archive.recipients(of: record.id, within: call.scope)
                .map(RecipientDocument.init) : []
        return Page(
            channel.label ?? channel.id, .channels, for: call,
            """
            <p class="crumbs"><a href="/">Channels</a> /</p>
            <div class="head"><h1><bdi>\(channel.label ?? "Channel without a label")</bdi></h1>
            \(PageWords.badge(channel.state))</div>
            <p class="sub-line"><span class="mono">\(channel.id)</span> · \(channel.mode.rawValue) channel\
            \(PageWords.explanation(channel).map { why -> HTML in " · \(why)" })</p>
            \(Self.plot(channel, latest))
            <div class="columns"><div>
            \(latest.map { Self.messages($0, channel) } ?? Self.closed)
            \(call.isAdmin ? Self.readers(readers) : nil)
            </div><div>
            \(Self.facts(channel))
            \(call.isAdmin ? Self.keys(keys, channel) : nil)
            \(call.isAdmin ? Self.actions(channel) : nil)
            </div></div>
            """
        ).response()
    }

    /// Nil where they may not be read now.
    private func latest(_ record: ChannelRecord, _ call: Call) async throws -> [MessageDocument]? {
        guard record.state != .restricted else { return nil }
        let shown = try ShownChannel(archive, record, call)
        let messages = try await shown.messages(latestFirst: true, limit: Self.messagesShown)
            .messages
        try await shown.checkStillShown()
        return messages
    }

    private static func forgotten(_ channel: ChannelDocument) -> HTML {
        """
        <p class="crumbs"><a href="/">Channels</a> /</p>
        <div class="card empty"><h1>Forgotten</h1>
        <p>The channel <span class="mono">\(channel.id)</span> was erased: its keys are destroyed and
        its rows deleted. Only that its number is taken is kept.</p></div>
        """
    }

    private static let closed: HTML = """
        <div class="card"><h2>Messages</h2>
        <p>They are kept, and not read, while the processing of this channel is restricted.</p></div>
        """

    private static func plot(_ channel: ChannelDocument, _ latest: [MessageDocument]?) -> HTML? {
        guard let latest else { return nil }
        let last = latest.compactMap(\.claimedAt).first.map { time -> HTML in
            " data-last=\"\(time.text)\""
        }
        return """
            <section class="card" aria-labelledby="energy" data-plot="\(channel.id)"
            data-zone="\(ReadingsQuery.defaultTimeZone)"\(last)>
            <div class="card-head"><h2 id="energy">Energy</h2>
            <a href="/channels/\(channel.id)/readings">Day by day as a table</a></div>
            <noscript><p class="alert">The plot needs JavaScript. The same is to be had
            <a href="/channels/\(channel.id)/readings">as a table</a> without it.</p></noscript>
            </section>
            """
    }

    private static func messages(_ messages: [MessageDocument], _ channel: ChannelDocument) -> HTML
    {
        guard !messages.isEmpty else {
            return """
                <div class="card"><h2>Messages</h2>
                <p>None so far. The crawler looks at the chain's next address
                \(PageWords.time(channel.nextLookAt, otherwise: "when the channel is resumed")); if the
                device has published, check that root, mode and side key are right.</p></div>
                """
        }
        return """
            <section class="card flush" aria-labelledby="latest">
            <div class="card-head"><h2 id="latest">Latest messages</h2>
            <a href="/channels/\(channel.id)/messages">All messages</a></div>
            \(MessageListPage.table(messages, of: channel.id))
            </section>
            """
    }

    private static func readers(_ readers: [RecipientDocument]) -> HTML {
        guard !readers.isEmpty else {
            return "<div class=\"card\"><h2>Who read it</h2><p>Nobody so far.</p></div>"
        }
        return """
            <section class="card flush" aria-labelledby="readers"><h2 id="readers">Who read it</h2>
            \(RecipientTable.html(readers))</section>
            """
    }

    private static func facts(_ channel: ChannelDocument) -> HTML {
        func fact(_ name: String, _ value: HTML) -> HTML { "<dt>\(name)</dt><dd>\(value)</dd>" }
        func told(_ name: String, _ text: String?) -> HTML? {
            text.map { text -> HTML in "<dt>\(name)</dt><dd><bdi>\(text)</bdi></dd>" }
        }
        /// One that the page's script keeps up to date, from this field of the interface's answer.
        func live(_ name: String, _ field: String, _ value: HTML) -> HTML {
            "<dt>\(name)</dt><dd data-field=\"\(field)\">\(value)</dd>"
        }
        let subjects = (channel.subjects ?? []).map { subject -> HTML in
            "<span class=\"chip\"><bdi>\(subject)</bdi></span> "
        }
        let dataOf: HTML? = subjects.isEmpty ? nil : "<dt>Data of</dt><dd>\(subjects)</dd>"
        return """
            <section class="card" aria-labelledby="facts" data-live="/v1/channels/\(channel.id)">
            <h2 id="facts">How it is followed</h2>
            <dl class="facts">
            \(channel.messages.map { live("Messages", "messages", HTML(text: PageWords.count($0))) })
            \(channel.headPosition.map { live("Head", "headPosition", "tree \(PageWords.count($0))") })
            \(live("Last look", "lastLookAt", PageWords.time(channel.lastLookAt, otherwise: "not yet")))
            \(live("Next look", "nextLookAt", PageWords.time(channel.nextLookAt, otherwise: "none is due")))
            \(fact("Registered", PageWords.time(channel.createdAt)))
            \(told("Side keys", String(channel.sideKeys)))
            \(dataOf)
            \(told("Kept for", channel.retention))
            \(told("Purpose", channel.purpose))
            \(told("Basis", channel.basis?.rawValue))
            \(told("Node commands", channel.nodeInterface?.rawValue))
            \(channel.consent == true ? fact("Tells", "its subject's consent") : nil)
            </dl></section>
            """
    }

    private static func keys(_ keys: [KeyEpoch], _ channel: ChannelDocument) -> HTML? {
        guard channel.mode == .restricted else { return nil }
        let rows = keys.map { key -> HTML in
            """
            <tr><th scope="row">\(key.number)</th>
            <td>\(key.firstPosition.map { "from tree \(PageWords.count($0))" } ?? "not used so far")</td>
            <td>\(PageWords.time(Timestamp(key.addedAt)))</td></tr>
            """
        }
        return """
            <section class="card" aria-labelledby="keys"><h2 id="keys">Key epochs</h2>
            <table><thead><tr><th scope="col">Key</th><th scope="col">Opens</th>
            <th scope="col">Added</th></tr></thead><tbody>\(rows)</tbody></table>
            <details><summary>Add a side key</summary>
            <form class="stack" method="post" action="/channels/\(channel.id)/keys">
            <label for="sideKey">Side key, 1 to 81 trytes</label>
            <input id="sideKey" name="sideKey" type="password" required maxlength="81"
            pattern="[9A-Z]{1,81}" autocomplete="off" spellcheck="false">
            <p class="hint">It is sealed, and never shown again. What waited for it is read at once.</p>
            <button>Add</button></form></details></section>
            """
    }

    private static func actions(_ channel: ChannelDocument) -> HTML {
        let isCrawled = ChannelState.crawled.contains(channel.state)
        let turn: HTML? =
            isCrawled
            ? "<form method=\"post\" action=\"/channels/\(channel.id)/pause\"><button>Pause</button></form>"
            : channel.state == .paused
                ? "<form method=\"post\" action=\"/channels/\(channel.id)/resume\"><button class=\"primary\">Resume</button></form>"
                : nil
        return """
            <section class="card" aria-labelledby="actions"><h2 id="actions">Actions</h2>
            <div class="inline">\(turn)
            <a class="button" href="/tokens/new?channel=\(channel.id)">Give access…</a>
            <a class="button" href="/holds?channel=\(channel.id)">Legal hold…</a>
            <a class="button danger" href="/requests/new?channel=\(channel.id)">Forget…</a></div>
            <p class="hint">Forgetting begins with a plan. Nothing is erased before you confirm it.</p>
            </section>
            """
    }
}

/// Who read something, as a table.
enum RecipientTable {
    static func html(_ readers: [RecipientDocument]) -> HTML {
        let rows = readers.map { reader -> HTML in
            let name: HTML =
                reader.token.map { token -> HTML in "<span class=\"mono\">\(token)</span>" }
                ?? (reader.anyone == true ? "anyone, without a token" : "the operator")
            return """
                <tr><th scope="row">\(name)</th>
                <td class="number">\(PageWords.count(reader.messages))</td>
                <td>\(PageWords.time(reader.lastReadAt))</td></tr>
                """
        }
        return """
            <table><thead><tr><th scope="col">Reader</th>
            <th scope="col" class="number">Messages</th><th scope="col">Last</th></tr></thead>
            <tbody>\(rows)</tbody></table>
            """
    }
}
