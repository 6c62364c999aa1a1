import Archive
import Erasure
import Foundation
import HTTPServer
import Vault

/// Asking to forget: whom or what, then what that takes with it, then for sure.
struct ForgetFormPage: Sendable {
    private static let all = ForgetAsked.fields + ForgetAsked.more

    let archive: Archive
    let policy: RequestPolicy
    let clock: @Sendable () -> Date

    var routes: [Route] {
        [
            Route("GET", "/requests/new", .adminOrSubject, errors: .page, blank),
            Route("POST", "/requests/plan", .adminOrSubject, errors: .page, plan),
            Route("POST", "/requests", .adminOrSubject, errors: .page, receive),
        ]
    }

    @Sendable private func blank(_ call: Call) async throws -> HTTPResponse {
        let query = try RequestQuery(call.request, known: ["channel", "person"])
        let (channel, person) = (try query.number("channel"), try query.number("person"))
        let body: HTML
        if call.isAdmin {
            let pseudonym = try await archive.pseudonym(chosenBy: person)
            body = Self.adminFields(channel?.text, pseudonym)
        } else {
            let own = try await archive.channels(within: call.scope).map {
                ChannelDocument($0, isAdmin: false)
            }
            body = Self.ownFields(own, chosen: channel?.text)
        }
        return Page(
            "New request", .requests, for: call,
            """
            <p class="crumbs"><a href="/requests">Requests</a> /</p>
            <div class="head"><h1>\(call.isAdmin ? "Forget" : "Ask to be forgotten")</h1></div>
            <form class="card stack form" method="post" action="/requests/plan">
            \(body)
            <label for="reason">Reason (if you want to give one)</label>
            <input id="reason" name="reason" maxlength="500">
            <button class="primary">Show what goes</button>
            <p class="hint">The next page shows the plan. Nothing is erased before you confirm it there.</p>
            </form>
            """
        ).response()
    }

    private static func adminFields(_ channel: String?, _ person: String?) -> HTML {
        """
        <label for="subject">Person, by pseudonym</label>
        <input id="subject" name="subject" value="\(person ?? "")" autocomplete="off" maxlength="128">
        <p class="hint">With all of the person's channels. Or:</p>
        <label for="channel">Channel, by its id</label>
        <input id="channel" name="channel" class="mono" value="\(channel ?? "")" autocomplete="off" maxlength="10">
        \(months)
        <fieldset><legend>Channels that are the data of others, too</legend>
        <label><input type="radio" name="shared" value="" checked>Ask me, where there are any</label>
        <label><input type="radio" name="shared" value="forget">Forget them for all</label>
        <label><input type="radio" name="shared" value="leave">Leave them to the others (of a person only)</label>
        </fieldset>
        <fieldset><legend>The person's identity</legend>
        <label><input type="radio" name="identity" value="checked" checked>is checked</label>
        <label><input type="radio" name="identity" value="open">is still to be checked</label></fieldset>
        """
    }

    private static func ownFields(_ channels: [ChannelDocument], chosen: String?) -> HTML {
        let options = channels.map { channel -> HTML in
            let selected: HTML? = channel.id == chosen ? " selected" : nil
            return
                "<option value=\"\(channel.id)\"\(selected)>\(channel.label ?? channel.id)</option>"
        }
        return """
            <label for="channel">What is to be forgotten?</label>
            <select id="channel" name="channel"><option value="">Everything held about me</option>\(options)</select>
            \(months)
            <fieldset><legend>Channels that are the data of others, too, such as of your household</legend>
            <label><input type="radio" name="shared" value="" checked>Ask me, where there are any</label>
            <label><input type="radio" name="shared" value="forget">Forget them for all of us</label>
            <label><input type="radio" name="shared" value="leave">Leave them to the others</label></fieldset>
            """
    }

    private static let months: HTML = """
        <details><summary>Only some months of the channel</summary>
        <div class="inline"><div><label for="from">From month</label>
        <input id="from" name="from" placeholder="2026-05" pattern="[0-9]{4}-[0-9]{2}"></div>
        <div><label for="to">To month</label>
        <input id="to" name="to" placeholder="2026-08" pattern="[0-9]{4}-[0-9]{2}"></div></div>
        <p class="hint">The months in which the archive took messages in.</p></details>
        """

    @Sendable private func plan(_ call: Call) async throws -> HTTPResponse {
        let form = try FormBody(call.request, known: Self.all)
        let asked = try await ForgetAsked(form, call, archive)
        let plan = try await asked.plan(archive)
        let isOpen = asked.shared == .refuse && !plan.shared.isEmpty
        let hidden = Self.all.compactMap { name -> HTML? in
            guard let text = form.text(name) else { return nil }
            return "<input type=\"hidden\" name=\"\(name)\" value=\"\(text)\">"
        }
        let confirmation: HTML =
            isOpen
            ? "<p><a class=\"button\" href=\"/requests/new\">Back: say what becomes of them</a></p>"
            : """
            <form class="card stack form" method="post" action="/requests">\(hidden)
            <label><input type="checkbox" name="sure" value="yes" required>All of this is to go. I know that it
            cannot be had back.</label>
            <button class="danger">\(call.isAdmin ? "Forget it" : "Ask to be forgotten")</button>
            <p class="hint">\(call.isAdmin ? delay : "An officer looks at it, within a month.")</p></form>
            """
        return Page(
            "Plan", .requests, for: call,
            """
            <p class="crumbs"><a href="/requests">Requests</a> / <a href="/requests/new">New</a> /</p>
            <div class="head"><h1>The plan</h1></div>
            <p class="sub-line">\(Self.text(asked.selector))</p>
            \(ForgetPlanTable.html(plan, shared: asked.shared))
            \(confirmation)
            """
        ).response()
    }

    private var delay: String {
        guard policy.delay > 0 else {
            return "It begins at once, unless a legal hold stands against it."
        }
        let minutes = Int((policy.delay / 60).rounded(.up))
        return
            "It begins \(PageWords.count(minutes, "minute")) after approval; until then it can be stopped."
    }

    private static func text(_ selector: ForgetSelector) -> HTML {
        switch selector {
        case .subject(let pseudonym):
            "The person <bdi class=\"chip\">\(pseudonym)</bdi>, with all channels"
        case .channel(let channel): "The channel <span class=\"mono\">\(channel.text)</span>"
        case .period(let channel, let months):
            """
            Of the channel <span class="mono">\(channel.text)</span> what was taken in from
            \(months.lowerBound.description) to \(months.upperBound.description)
            """
        }
    }

    /// The answer has the salt, which is given this once.
    @Sendable private func receive(_ call: Call) async throws -> HTTPResponse {
        let form = try FormBody(call.request, known: Self.all + ["sure"])
        guard form.text("sure") == "yes" else {
            throw RequestError.field("sure", wanted: "yes: nothing was erased")
        }
        let asked = try await ForgetAsked(form, call, archive)
        let request = try await asked.receive(archive, policy, now: clock())
        let id = request.id.text
        let salt = request.salt.map { salt -> HTML in
            """
            <h2>Keep this</h2>
            <p>With it the receipt can be shown to be the one for this request. It is kept nowhere here, and
            cannot be shown again:</p><pre><code>\(salt.text)</code></pre>
            """
        }
        return Page(
            "Request taken", .requests, for: call,
            """
            <p class="crumbs"><a href="/requests">Requests</a> /</p>
            <div class="card"><h1>The request is taken</h1>
            <p class="lead">It is due by \(PageWords.time(Timestamp(request.dueAt))).</p>
            \(salt ?? "<p>It was asked for already, and goes on.</p>")
            <p><a class="button primary" href="/requests/\(id)">See how far it is</a></p></div>
            """
        ).response(status: 202)
    }
}
