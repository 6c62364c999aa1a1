import Archive
import Foundation
import HTTPServer
import MAM
import Vault

/// Registering a channel.
struct RegistrationPage: Sendable {
    private static let fields = [
        "root", "mode", "sideKey", "label", "subject", "purpose", "basis", "retention",
    ]

    let archive: Archive
    let clock: @Sendable () -> Date

    var routes: [Route] {
        [
            Route("GET", "/channels/new", .admin, errors: .page, blank),
            Route("POST", "/channels", .admin, errors: .page, register),
        ]
    }

    @Sendable private func blank(_ call: Call) async throws -> HTTPResponse {
        _ = try RequestQuery(call.request, known: [])
        let bases = LawfulBasis.allCases.map { basis -> HTML in
            "<option value=\"\(basis.rawValue)\">\(basis.rawValue.replacing("-", with: " "))</option>"
        }
        return Page(
            "New channel", .channels, for: call,
            """
            <p class="crumbs"><a href="/">Channels</a> /</p>
            <div class="head"><h1>Register a channel</h1></div>
            <form class="card stack form" method="post" action="/channels">
            <label for="root">Root, 81 trytes</label>
            <input id="root" name="root" type="password" required maxlength="81" pattern="[9A-Z]{81}"
            title="81 characters, 9 and A to Z" autocomplete="off" spellcheck="false">
            <p class="hint">Of the first message that is to be kept. It opens all that follow: it is sealed, and never shown again.</p>
            <fieldset><legend>Mode</legend>
            <label><input type="radio" name="mode" value="restricted" checked>Restricted: root and side key are needed</label>
            <label><input type="radio" name="mode" value="private">Private: the root is needed</label>
            <label><input type="radio" name="mode" value="public">Public: the address is the root</label></fieldset>
            <label for="sideKey">Side key, 1 to 81 trytes (of a restricted channel)</label>
            <input id="sideKey" name="sideKey" type="password" maxlength="81" pattern="[9A-Z]{1,81}"
            title="1 to 81 characters, 9 and A to Z" autocomplete="off" spellcheck="false">
            <label for="label">Label</label>
            <input id="label" name="label" maxlength="200" placeholder="electricity, Mill Lane">
            <label for="subject">Whose data is it? A pseudonym, never a name</label>
            <input id="subject" name="subject" maxlength="128" autocomplete="off">
            <details><summary>What it is kept for, and how long</summary><div class="stack inner">
            <label for="purpose">Purpose</label><input id="purpose" name="purpose" maxlength="1000">
            <label for="basis">Why that is lawful</label>
            <select id="basis" name="basis"><option value="">not said</option>\(bases)</select>
            <label for="retention">Months to keep messages</label>
            <input id="retention" name="retention" inputmode="numeric" pattern="[0-9]{1,4}" placeholder="all of them, for good">
            </div></details>
            <button class="primary">Register</button>
            <p class="hint">The crawler looks at once. Its first messages show up within seconds.</p>
            </form>
            """
        ).response()
    }

    @Sendable private func register(_ call: Call) async throws -> HTTPResponse {
        let form = try FormBody(call.request, known: Self.fields)
        let text = try form.requiredText("root")
        guard let root = try? Root(text) else {
            throw RequestError.field("root", wanted: "81 trytes (9 and A to Z)")
        }
        guard let mode = ChannelMode(rawValue: try form.requiredText("mode")) else {
            throw RequestError.field("mode", wanted: "one of public, private, restricted")
        }
        let channel = try await archive.register(
            ChannelRegistration(
                root: root, mode: mode,
                sideKey: form.text("sideKey").map { text throws(RequestError) in
                    try SideKey.named(text, field: "sideKey")
                },
                subjects: form.text("subject").map { [$0] } ?? [], label: form.text("label"),
                purpose: form.text("purpose"), basis: Self.basis(form),
                retention: Self.retention(form)), now: clock())
        return Page.redirect(to: "/channels/\(channel.text)")
    }

    private static func basis(_ form: FormBody) throws(RequestError) -> LawfulBasis? {
        guard let text = form.text("basis") else { return nil }
        guard let basis = LawfulBasis(rawValue: text) else {
            throw .field("basis", wanted: "one of those offered")
        }
        return basis
    }

    private static func retention(_ form: FormBody) throws(RequestError) -> Retention? {
        guard let text = form.text("retention") else { return nil }
        guard let retention = Retention(text: text + "m") else {
            throw .field("retention", wanted: "1 to \(Retention.monthsLimit) months")
        }
        return retention
    }
}
