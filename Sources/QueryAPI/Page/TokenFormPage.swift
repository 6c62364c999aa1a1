import Archive
import Foundation
import HTTPServer
import Vault

/// Making a token: for whom, then what it says, once.
struct TokenFormPage: Sendable {
    private static let fields = ["role", "subject", "channel", "purpose", "address"]

    let archive: Archive
    let clock: @Sendable () -> Date

    var routes: [Route] {
        [
            Route("GET", "/tokens/new", .admin, errors: .page, blank),
            Route("POST", "/tokens", .admin, errors: .page, make),
        ]
    }

    @Sendable private func blank(_ call: Call) async throws -> HTTPResponse {
        let query = try RequestQuery(call.request, known: ["channel", "person"])
        let (channel, person) = (try query.number("channel"), try query.number("person"))
        let pseudonym = try await archive.pseudonym(chosenBy: person)
        func checked(_ isChosen: Bool) -> HTML? { isChosen ? " checked" : nil }
        return Page(
            "New token", .access, for: call,
            """
            <p class="crumbs"><a href="/tokens">Access</a> /</p>
            <div class="head"><h1>New token</h1></div>
            <form class="card stack form" method="post" action="/tokens">
            <fieldset><legend>Whose is it?</legend>
            <label><input type="radio" name="role" value="reader"\(checked(person == nil))>A reader's: what grants give</label>
            <label><input type="radio" name="role" value="subject"\(checked(person != nil))>A person's: what is held about him or her</label>
            <label><input type="radio" name="role" value="admin">An admin's: everything</label></fieldset>
            <fieldset><legend>A reader may read</legend><div class="stack inner">
            <label for="channel">All of a channel, by its id</label>
            <input id="channel" name="channel" class="mono" value="\(channel?.text ?? "")" autocomplete="off" maxlength="10">
            <label for="purpose">What for (the owner is told)</label>
            <input id="purpose" name="purpose" maxlength="500">
            <details><summary>By owners' consent</summary>
            <label for="address">The reader's IOTA address, by which owners name it</label>
            <input id="address" name="address" class="mono" autocomplete="off" spellcheck="false" maxlength="90">
            </details>
            <p class="hint">Parts of a channel, and more channels, are given on the token's own page.</p></div></fieldset>
            <fieldset><legend>A person is known by</legend><div class="stack inner">
            <label for="subject">Pseudonym</label>
            <input id="subject" name="subject" value="\(pseudonym ?? "")" autocomplete="off" maxlength="128">
            </div></fieldset>
            <button class="primary">Make the token</button>
            <p class="hint">The next page shows it, once.</p>
            </form>
            """
        ).response()
    }

    @Sendable private func make(_ call: Call) async throws -> HTTPResponse {
        let form = try FormBody(call.request, known: Self.fields)
        guard let role = TokenRole(rawValue: try form.requiredText("role")) else {
            throw RequestError.field("role", wanted: "one of reader, subject, admin")
        }
        try Self.check(form, role)
        let channel = try form.number("channel")
        let address = try form.text("address").map { text throws(RequestError) in
            guard let address = IOTAAddress.hash(text) else {
                throw .field(
                    "address", wanted: "an address of 81 trytes, or of 90 with its checksum")
            }
            return address
        }
        let subject = role == .subject ? try form.requiredText("subject") : nil
        let (record, text) = try await archive.createToken(
            role, channels: channel.map { [$0] } ?? [], purpose: form.text("purpose"),
            subject: subject, address: address, now: clock())
        return Page(
            "New token", .access, for: call,
            """
            <p class="crumbs"><a href="/tokens">Access</a> /</p>
            <div class="card"><h1>The token is made</h1>
            <p class="lead">Hand it over on a way that nobody else reads. It is shown this once.</p>
            <pre><code id="token">\(text)</code></pre>
            <p><a class="button primary" href="/tokens/\(record.id.text)">I have it</a></p></div>
            """
        ).response(status: 201)
    }

    /// What was filled in for another role is a slip, and might give what was not meant.
    private static func check(_ form: FormBody, _ role: TokenRole) throws(RequestError) {
        for name in ["channel", "purpose", "address"]
        where role != .reader && form.text(name) != nil {
            throw .field(name, wanted: "given for a reader's token only")
        }
        guard role == .subject || form.text("subject") == nil else {
            throw .field("subject", wanted: "given for a person's token only")
        }
        guard form.text("purpose") == nil || form.text("channel") != nil else {
            throw .fieldMissing("channel")
        }
    }
}

extension Archive {
    /// What a form about a person is filled with. A pseudonym stands in no address: there it is the
    /// number.
    func pseudonym(chosenBy person: ChannelNumber?) async throws -> String? {
        guard let person else { return nil }
        return try await pseudonym(of: person)
    }
}
