import Archive
import HTTPServer
import Vault

/// Who read what of a person's data, when and what for; and how his consent stands.
struct AccessLogTable {
    private static let pageSize = 100

    let html: HTML

    /// - Throws: `ArchiveError.noSuchSubject`; `RequestError` for a query with anything but `after`.
    init(_ archive: Archive, _ call: Call, of person: ChannelNumber, path: String) async throws {
        let query = try RequestQuery(call.request, known: ["after"])
        let after = try query.text("after").map { text throws(RequestError) in
            try AccessLogCursor.key(text, of: person, archive.vault)
        }
        let page = try await archive.accessLog(
            of: person, for: call.isAdmin ? nil : call.caller?.subject, after: after,
            limit: Self.pageSize)
        let next = try page.next.map { try AccessLogCursor.text($0, of: person, archive.vault) }
        let entries = page.entries.map { AccessLogDocument($0, subject: person) }
        let table: HTML =
            entries.isEmpty
            ? "<p>Nothing so far. What was read in the last second may not be here yet.</p>"
            : Self.table(entries)
        html = """
            \(page.consent.map { Self.consent(ConsentDocument($0)) })
            <section class="card flush" aria-labelledby="log"><h2 id="log">Who read it</h2>\(table)</section>
            \(next.map { cursor -> HTML in
                "<p class=\"more\"><a class=\"button\" href=\"\(path)?after=\(cursor)\">Later entries</a></p>"
            })
            """
    }

    private static func table(_ entries: [AccessLogDocument]) -> HTML {
        let rows = entries.map { entry -> HTML in
            let channel = entry.channel.map { channel -> HTML in
                "<span class=\"sub\">channel <span class=\"mono\">\(channel)</span></span>"
            }
            let purpose = entry.details?["purpose"].map { purpose -> HTML in
                "<span class=\"sub\">for <bdi>\(purpose)</bdi></span>"
            }
            return """
                <tr><td>\(PageWords.time(entry.at))</td><th scope="row">\(what(entry))\(channel)\(purpose)</th>
                <td>\(who(entry))</td></tr>
                """
        }
        return """
            <table><thead><tr><th scope="col">When</th><th scope="col">What</th><th scope="col">Who</th></tr>
            </thead><tbody>\(rows)</tbody></table>
            """
    }

    private static func who(_ entry: AccessLogDocument) -> HTML {
        let reader = entry.reader.map { address -> HTML in
            "<span class=\"sub hash\">\(address)</span>"
        }
        if let token = entry.token { return "<span class=\"mono\">\(token)</span>\(reader)" }
        if entry.kind.hasPrefix("consent.") { return "the person, by the channel" }
        return entry.anyone == true ? "anyone, without a token" : "the operator"
    }

    private static func what(_ entry: AccessLogDocument) -> String {
        switch AuditKind(rawValue: entry.kind) {
        case .messagesRead, .messagesReadOpenly:
            entry.details?["messages"].flatMap { Int($0) }
                .map { "\(PageWords.count($0, "message")) read" } ?? "messages read"
        case .subjectExported: "all of it exported for the person"
        case .tokenGranted:
            entry.channel == nil ? "a token made for the person" : "a reader given leave"
        case .grantRevoked: "a reader's leave taken back"
        case .consentAuthorised: "consent given"
        case .consentRevoked: "consent taken back"
        case .consentDeviceAdded: "a device added"
        case .consentDeviceDeleted: "a device removed"
        default: entry.kind
        }
    }

    static func consent(_ consent: ConsentDocument) -> HTML {
        let rows = consent.authorised.map { given -> HTML in
            """
            <tr><th scope="row"><bdi>\(given.purpose)</bdi><span class="sub hash">\(given.reader)</span></th>
            <td>\(PageWords.time(given.since))</td></tr>
            """
        }
        let body: HTML =
            rows.isEmpty
            ? "<p>Nobody is authorised now.</p>"
            : """
            <table><thead><tr><th scope="col">What for, and who</th><th scope="col">Since</th></tr></thead>
            <tbody>\(rows)</tbody></table>
            """
        return """
            <section class="card flush" aria-labelledby="consent">
            <div class="card-head"><h2 id="consent">Consent</h2>\(PageWords.badge(consent.state))</div>
            \(body)</section>
            """
    }
}
