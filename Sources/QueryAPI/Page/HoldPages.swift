import Archive
import Foundation
import HTTPServer
import Vault

/// Legal holds: what must be kept whatever is asked, and why.
struct HoldPages: Sendable {
    let archive: Archive
    let clock: @Sendable () -> Date

    var routes: [Route] {
        [
            Route("GET", "/holds", .admin, errors: .page, list),
            Route("POST", "/holds", .admin, errors: .page, set),
            Route("POST", "/holds/lift", .admin, errors: .page, lift),
        ]
    }

    @Sendable private func list(_ call: Call) async throws -> HTTPResponse {
        let query = try RequestQuery(call.request, known: ["channel", "person"])
        let (channel, person) = (try query.number("channel"), try query.number("person"))
        let holds = try await archive.holds()
        let pseudonym = try await archive.pseudonym(chosenBy: person)
        return Page(
            "Legal holds", .holds, for: call,
            """
            <div class="head"><h1>Legal holds</h1></div>
            <p class="sub-line">What is under a hold is not forgotten, nor cut off by retention, until it is lifted.</p>
            \(holds.isEmpty ? Self.empty : Self.table(holds))
            \(Self.form(channel?.text, pseudonym))
            """
        ).response()
    }

    private static let empty: HTML = """
        <div class="card empty"><h2>Nothing is on hold</h2>
        <p>A hold is for what has to be kept although somebody asks to have it erased, such as for a claim in
        court. Requests wait until it is lifted, and say so.</p></div>
        """

    private static func table(_ holds: [LegalHold]) -> HTML {
        let rows = holds.map { hold -> HTML in
            let (path, field): (HTML, HTML) =
                hold.kind == .subject ? ("people", "person") : ("channels", "channel")
            let by: HTML =
                hold.setBy.map { token -> HTML in
                    "<a class=\"mono\" href=\"/tokens/\(token.text)\">\(token.text)</a>"
                } ?? "the operator"
            return """
                <tr><th scope="row"><a class="name" href="/\(path)/\(hold.target.text)">\
                \(hold.kind == .subject ? "Person" : "Channel") <span class="mono">\(hold.target.text)</span></a>
                <span class="sub"><bdi>\(hold.reason)</bdi></span></th>
                <td>\(PageWords.time(Timestamp(hold.setAt)))<span class="sub">by \(by)</span></td>
                <td class="end"><form method="post" action="/holds/lift">
                <input type="hidden" name="\(field)" value="\(hold.target.text)">
                <button aria-label="Lift the hold of \(hold.target.text)">Lift</button></form></td></tr>
                """
        }
        return """
            <div class="card flush"><table class="list"><caption class="aside">Holds, the oldest first</caption>
            <thead><tr><th scope="col">What, and why</th><th scope="col">Since</th>
            <th scope="col" class="end">End</th></tr></thead><tbody>\(rows)</tbody></table></div>
            """
    }

    private static func form(_ channel: String?, _ pseudonym: String?) -> HTML {
        """
        <section class="card form" aria-labelledby="new"><h2 id="new">Set a hold</h2>
        <form class="stack" method="post" action="/holds">
        <label for="subject">Person, by pseudonym</label>
        <input id="subject" name="subject" value="\(pseudonym ?? "")" autocomplete="off" maxlength="128">
        <p class="hint">With all of the person's channels. Or:</p>
        <label for="channel">Channel, by its id</label>
        <input id="channel" name="channel" class="mono" value="\(channel ?? "")" autocomplete="off" maxlength="10">
        <label for="reason">Why? Who asks to be forgotten may be told.</label>
        <input id="reason" name="reason" required maxlength="500">
        <button class="primary">Set the hold</button></form></section>
        """
    }

    @Sendable private func set(_ call: Call) async throws -> HTTPResponse {
        let form = try FormBody(call.request, known: ["subject", "channel", "reason"])
        let reason = try form.requiredText("reason")
        let selector: HoldSelector
        switch (form.text("subject"), try form.number("channel")) {
        case (let subject?, nil): selector = .subject(subject)
        case (nil, let channel?): selector = .channel(channel)
        default: throw RequestError.subjectOrChannel
        }
        try await archive.setHold(selector, reason: reason, now: clock())
        return Page.redirect(to: "/holds")
    }

    @Sendable private func lift(_ call: Call) async throws -> HTTPResponse {
        let form = try FormBody(call.request, known: ["person", "channel"])
        let selector: HoldSelector
        switch (try form.number("person"), try form.number("channel")) {
        case (let person?, nil): selector = .subject(try await archive.pseudonym(of: person))
        case (nil, let channel?): selector = .channel(channel)
        default: throw RequestError.subjectOrChannel
        }
        try await archive.liftHold(selector, reason: nil, now: clock())
        return Page.redirect(to: "/holds")
    }
}
