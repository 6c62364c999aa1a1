import Archive
import Foundation
import HTTPServer
import Vault

/// What a reader's token may read, on the token's page: its grants, another one, and their end.
struct GrantForms: Sendable {
    private static let fields = [
        "channel", "purpose", "from", "until", "firstPosition", "lastPosition", "expires",
    ]

    let archive: Archive
    let clock: @Sendable () -> Date

    var routes: [Route] {
        [
            Route("POST", "/tokens/{id}/grants", .admin, errors: .page, add),
            Route("POST", "/grants/{id}/revoke", .admin, errors: .page, revoke),
        ]
    }

    private static let more: HTML = """
        <p class="hint">These are not all: <code>GET /v1/grants</code> and <code>permanode grant list</code> go on.</p>
        """

    static func table(_ grants: [GrantRecord]) -> HTML {
        guard !grants.isEmpty else {
            return """
                <section class="card" aria-labelledby="grants"><h2 id="grants">What it may read</h2>
                <p>Nothing so far. Give it a channel, or a part of one.</p></section>
                """
        }
        let rows = grants.map { grant -> HTML in
            let end: HTML =
                grant.revokedAt.map { time -> HTML in
                    "<span class=\"badge\">revoked</span> <span class=\"sub\">\(PageWords.time(Timestamp(time)))</span>"
                } ?? """
                    <form method="post" action="/grants/\(grant.id.text)/revoke">
                    <button aria-label="Revoke grant \(grant.id.text)">Revoke</button></form>
                    """
            return """
                <tr><th scope="row"><a class="mono" href="/channels/\(grant.channel.text)">\(grant.channel.text)</a>
                <span class="sub"><bdi>\(grant.purpose ?? "without a purpose")</bdi></span></th>
                <td>\(bounds(grant))</td><td class="end">\(end)</td></tr>
                """
        }
        return """
            <section class="card flush" aria-labelledby="grants"><h2 id="grants">What it may read</h2>
            <table><thead><tr><th scope="col">Channel</th><th scope="col">How much of it</th>
            <th scope="col" class="end">End</th></tr></thead><tbody>\(rows)</tbody></table>
            \(grants.count < Archive.grantPageLimit ? nil : more)</section>
            """
    }

    /// What of the channel a grant is about, and until when it is good.
    private static func bounds(_ grant: GrantRecord) -> HTML {
        let window = grant.window
        var parts: [HTML] = []
        func day(_ words: HTML, _ date: Date?) {
            if let date {
                parts.append(
                    "<span class=\"line\">\(words) \(PageWords.time(Timestamp(date)))</span>")
            }
        }
        func tree(_ words: HTML, _ position: Int64?) {
            if let position {
                parts.append(
                    "<span class=\"line\">\(words) tree \(PageWords.count(position))</span>")
            }
        }
        day("taken in from", window.seenFrom)
        day("taken in before", window.seenUntil)
        tree("from", window.firstPosition)
        tree("to", window.lastPosition)
        if parts.isEmpty { parts.append("<span class=\"line\">all of it</span>") }
        day("good until", grant.expiresAt)
        return "\(parts)"
    }

    static func form(_ token: ChannelNumber) -> HTML {
        """
        <section class="card" aria-labelledby="give"><h2 id="give">Give it more</h2>
        <form class="stack" method="post" action="/tokens/\(token.text)/grants">
        <label for="channel">Channel, by its id</label>
        <input id="channel" name="channel" class="mono" required autocomplete="off" maxlength="10">
        <label for="purpose">What for (the owner is told)</label>
        <input id="purpose" name="purpose" required maxlength="500">
        <details><summary>Only a part of it, or for a while</summary><div class="stack inner">
        <div class="inline"><div><label for="from">Taken in from</label>
        <input id="from" name="from" type="date"></div>
        <div><label for="until">to before</label><input id="until" name="until" type="date"></div></div>
        <div class="inline"><div><label for="firstPosition">From tree</label>
        <input id="firstPosition" name="firstPosition" inputmode="numeric" pattern="-?[0-9]{1,15}"></div>
        <div><label for="lastPosition">to tree</label>
        <input id="lastPosition" name="lastPosition" inputmode="numeric" pattern="-?[0-9]{1,15}"></div></div>
        <label for="expires">Good until</label><input id="expires" name="expires" type="date">
        <p class="hint">Days begin at midnight UTC, and are about when the archive took a message in: what a
        message claims of its own time is anybody's word.</p></div></details>
        <button class="primary">Give</button></form></section>
        """
    }

    @Sendable private func add(_ call: Call) async throws -> HTTPResponse {
        let form = try FormBody(call.request, known: Self.fields)
        guard let token = call.namedNumber else { throw ArchiveError.noSuchToken }
        guard let channel = try form.number("channel") else {
            throw RequestError.fieldMissing("channel")
        }
        _ = try await archive.addGrant(
            NewGrant(
                token: token, channel: channel, purpose: form.requiredText("purpose"),
                window: GrantWindow(
                    seenFrom: form.day("from"), seenUntil: form.day("until"),
                    firstPosition: form.position("firstPosition"),
                    lastPosition: form.position("lastPosition")),
                expiresAt: form.day("expires")), now: clock())
        return Page.redirect(to: "/tokens/\(token.text)")
    }

    @Sendable private func revoke(_ call: Call) async throws -> HTTPResponse {
        _ = try FormBody(call.request, known: [])
        guard let id = call.namedNumber else { throw RequestError.noSuchGrant }
        let grant = try await archive.revokeGrant(id, now: clock())
        return Page.redirect(to: "/tokens/\(grant.token.text)")
    }
}
