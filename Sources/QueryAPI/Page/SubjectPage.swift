import Archive
import HTTPServer
import Vault

/// What a person sees of himself: what is held, who read it, and how to have it forgotten.
struct SubjectPage: Sendable {
    let archive: Archive

    func response(_ call: Call) async throws -> HTTPResponse {
        guard let person = call.caller?.subject else { throw RequestError.forbidden }
        let log = try await AccessLogTable(archive, call, of: person, path: "/")
        let holdings = try await archive.holdings(within: call.scope).map(HoldingDocument.init)
        let messages = holdings.compactMap(\.channel.messages).reduce(0, +)
        let tiles: HTML = """
            <ul class="tiles"><li><strong>\(PageWords.count(holdings.count))</strong>\
            <span>channel\(holdings.count == 1 ? "" : "s")</span></li>
            <li><strong>\(PageWords.count(messages))</strong><span>messages</span></li></ul>
            """
        return Page(
            "My data", .channels, for: call,
            """
            <div class="head"><h1>What is held about you</h1>
            <div class="actions pages"><a class="button" href="/v1/subject/export" download="export.ndjson">Download all</a>
            <a class="button danger" href="/requests/new">Ask to be forgotten…</a></div></div>
            \(tiles)
            \(holdings.isEmpty ? Self.nothing : nil)
            \(holdings.map { Self.card($0) })
            \(log.html)
            """
        ).response()
    }

    private static let nothing: HTML = """
        <div class="card empty"><h2>Nothing is held about you</h2>
        <p>No channel is registered as yours. If one should be, ask whoever gave you this token.</p></div>
        """

    private static func card(_ holding: HoldingDocument) -> HTML {
        let channel = holding.channel
        let months = holding.periods.map { month -> HTML in
            "<li><span>\(month.period)</span><strong>\(PageWords.count(month.messages))</strong></li>"
        }
        let shared: HTML? =
            holding.shared
            ? "<p class=\"alert\">It is the data of others, too: of your household.</p>" : nil
        let waiting: HTML? =
            holding.waiting == 0
            ? nil
            : "<p>\(PageWords.count(holding.waiting, "bundle")) can be read with no key that is known.</p>"
        let readers: HTML =
            holding.readers.isEmpty
            ? "<p>Nobody has read it so far.</p>" : RecipientTable.html(holding.readers)
        return """
            <section class="card"><div class="card-head"><h2><bdi>\(channel.label ?? "Channel \(channel.id)")</bdi></h2>
            \(PageWords.badge(channel.state))</div>
            <p class="sub">\(channel.purpose.map { purpose -> HTML in "For <bdi>\(purpose)</bdi>. " })\
            \(channel.retention.map { kept -> HTML in "Kept for \(kept). " })\
            Channel <span class="mono">\(channel.id)</span>.</p>
            \(shared)\(waiting)
            <h3>Messages by the month in which they came in</h3>
            <ul class="months">\(months)</ul>
            <h3>Readers</h3>\(readers)</section>
            """
    }
}
