import Archive
import Foundation
import HTTPServer
import Ternary
import Vault

/// Who may use the interface: the tokens there are, and what each may read.
struct TokenPages: Sendable {
    let archive: Archive
    let clock: @Sendable () -> Date

    var routes: [Route] {
        [
            Route("GET", "/tokens", .admin, errors: .page, list),
            Route("GET", "/tokens/{id}", .admin, errors: .page, show),
            Route("POST", "/tokens/{id}/revoke", .admin, errors: .page, revoke),
        ] + TokenFormPage(archive: archive, clock: clock).routes
            + GrantForms(archive: archive, clock: clock).routes
    }

    @Sendable private func list(_ call: Call) async throws -> HTTPResponse {
        _ = try RequestQuery(call.request, known: [])
        let tokens = try await archive.tokens().reversed()
        let good = tokens.filter { $0.revokedAt == nil }
        let revoked = tokens.filter { $0.revokedAt != nil }
        let past: HTML? =
            revoked.isEmpty
            ? nil
            : """
            <details><summary>\(PageWords.count(revoked.count, "revoked token"))</summary>
            \(Self.table(revoked, caption: "Tokens that were revoked"))</details>
            """
        return Page(
            "Access", .access, for: call,
            """
            <div class="head"><h1>Access</h1>
            <a class="button primary actions" href="/tokens/new">New token…</a></div>
            <p class="sub-line">Tokens by their numbers. What they say was shown once, and is not held here.</p>
            \(Self.table(good, caption: "Tokens, the newest first"))
            \(past)
            """
        ).response()
    }

    private static func table(_ tokens: [TokenRecord], caption: String) -> HTML {
        let rows = tokens.map { token -> HTML in
            """
            <tr><th scope="row"><a class="name mono" href="/tokens/\(token.id.text)">\(token.id.text)</a>
            <span class="slim sub">\(PageWords.time(Timestamp(token.createdAt)))</span></th>
            <td>\(badge(token.role))</td><td>\(what(token))</td>
            <td class="wide">\(PageWords.time(Timestamp(token.createdAt)))</td></tr>
            """
        }
        return """
            <div class="card flush"><table class="list"><caption class="aside">\(caption)</caption>
            <thead><tr><th scope="col">Token</th><th scope="col">Role</th><th scope="col">For</th>
            <th scope="col" class="wide">Made</th></tr></thead><tbody>\(rows)</tbody></table></div>
            """
    }

    private static func badge(_ role: TokenRole) -> HTML {
        switch role {
        case .admin: "<span class=\"badge warn\">admin</span>"
        case .reader: "<span class=\"badge good\">reader</span>"
        case .subject: "<span class=\"badge calm\">person</span>"
        }
    }

    private static func what(_ token: TokenRecord) -> HTML {
        switch token.role {
        case .admin: "everything"
        case .reader: HTML(text: PageWords.count(token.channels.count, "channel"))
        case .subject:
            token.subject.map { person -> HTML in
                "<a href=\"/people/\(person.text)\">person <span class=\"mono\">\(person.text)</span></a>"
            } ?? "a person"
        }
    }

    @Sendable private func show(_ call: Call) async throws -> HTTPResponse {
        guard let id = call.namedNumber else { throw ArchiveError.noSuchToken }
        let token = try await archive.token(id)
        let grants = token.role == .reader ? try await archive.grants(to: id) : []
        let isOwn = id == call.caller?.token
        let state: HTML =
            token.revokedAt == nil ? Self.badge(token.role) : "<span class=\"badge\">revoked</span>"
        return Page(
            "Token \(id.text)", .access, for: call,
            """
            <p class="crumbs"><a href="/tokens">Access</a> /</p>
            <div class="head"><h1>Token <span class="mono">\(id.text)</span></h1>\(state)</div>
            <div class="columns"><div>
            \(token.role == .reader ? GrantForms.table(grants) : Self.reach(token))
            \(token.role == .reader && token.revokedAt == nil ? GrantForms.form(id) : nil)
            </div><div>
            \(Self.facts(token))
            \(token.revokedAt == nil ? Self.revoking(token, isOwn: isOwn) : nil)
            </div></div>
            """
        ).response()
    }

    private static func reach(_ token: TokenRecord) -> HTML {
        let text: HTML =
            token.role == .admin
            ? "All channels, all people, and what is done to them. It is for operators and officers."
            : "What is held about its person, who read it, and asking to be forgotten; and nothing of others."
        return """
            <section class="card" aria-labelledby="reach"><h2 id="reach">What it opens</h2>
            <p>\(text)</p></section>
            """
    }

    private static func facts(_ token: TokenRecord) -> HTML {
        let revoked = token.revokedAt.map { time -> HTML in
            "<dt>Revoked</dt><dd>\(PageWords.time(Timestamp(time)))</dd>"
        }
        let address = token.address.map { address -> HTML in
            "<dt>Address</dt><dd class=\"hash\">\(address.description)</dd>"
        }
        return """
            <section class="card" aria-labelledby="facts"><h2 id="facts">Facts</h2><dl class="facts">
            <dt>For</dt><dd>\(what(token))</dd>
            <dt>Made</dt><dd>\(PageWords.time(Timestamp(token.createdAt)))</dd>
            \(revoked)\(address)</dl></section>
            """
    }

    private static func revoking(_ token: TokenRecord, isOwn: Bool) -> HTML {
        let own: HTML? =
            isOwn
            ? "<p class=\"alert warn\">You are signed in with it: you will be signed out.</p>" : nil
        return """
            <section class="card" aria-labelledby="actions"><h2 id="actions">Actions</h2>
            <details><summary>Revoke it</summary>\(own)
            <form class="stack" method="post" action="/tokens/\(token.id.text)/revoke">
            <p class="hint">For good, within a second, with its sessions and what it is reading now.</p>
            <button class="danger">Revoke</button></form></details></section>
            """
    }

    @Sendable private func revoke(_ call: Call) async throws -> HTTPResponse {
        _ = try FormBody(call.request, known: [])
        guard let id = call.namedNumber else { throw ArchiveError.noSuchToken }
        try await archive.revokeToken(id, now: clock())
        return Page.redirect(to: "/tokens/\(id.text)")
    }
}
