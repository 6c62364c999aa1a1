import Archive
import Foundation
import HTTPServer
import Vault

/// The requests to forget: the officer's queue, or a person's own.
struct RequestListPage: Sendable {
    let archive: Archive
    let clock: @Sendable () -> Date

    @Sendable func response(_ call: Call) async throws -> HTTPResponse {
        _ = try RequestQuery(call.request, known: [])
        guard let caller = call.caller else { throw RequestError.forbidden }
        let now = clock()
        let records =
            call.isAdmin
            ? try await archive.forgetRequests() : try await archive.forgetRequests(of: caller)
        let requests = try records.map { try ForgetRequestDocument($0, archive, now: now) }
        let late = requests.filter(\.late).count
        let alert: HTML? =
            late == 0
            ? nil
            : "<p class=\"alert bad\" role=\"status\">\(PageWords.count(late, "request")) should have been answered by now.</p>"
        return Page(
            "Requests", .requests, for: call,
            """
            <div class="head"><h1>Requests to forget</h1>
            <a class="button primary actions" href="/requests/new">New request…</a></div>
            \(alert)
            \(requests.isEmpty ? Self.empty(call) : Self.table(requests))
            """
        ).response()
    }

    private static func table(_ requests: [ForgetRequestDocument]) -> HTML {
        let rows = requests.map { request -> HTML in
            """
            <tr><th scope="row"><a class="name" href="/requests/\(request.id)">\(what(request))</a>
            <span class="sub mono">\(request.id)</span></th>
            <td>\(badge(request.state))\(request.late ? " <span class=\"badge bad\">late</span>" : nil as HTML?)</td>
            <td>\(due(request))</td>
            <td class="wide">\(PageWords.time(request.receivedAt))</td></tr>
            """
        }
        return """
            <div class="card flush"><table class="list"><caption class="aside">Requests, the next due first</caption>
            <thead><tr><th scope="col">Request</th><th scope="col">State</th><th scope="col">Due</th>
            <th scope="col" class="wide">Received</th></tr></thead><tbody>\(rows)</tbody></table></div>
            """
    }

    private static func empty(_ call: Call) -> HTML {
        call.isAdmin
            ? """
            <div class="card empty"><h2>Nobody asks to be forgotten</h2>
            <p>When a person does, make a request for him: it begins with a plan of what would be erased,
            and ends with a signed receipt. It is due within a month.</p></div>
            """
            : """
            <div class="card empty"><h2>You have not asked for anything</h2>
            <p>You can have all of your data erased, or a part of it. You see first what that takes with it,
            and get a receipt that you can check.</p></div>
            """
    }

    /// When it has to be answered, or was.
    private static func due(_ request: ForgetRequestDocument) -> HTML {
        switch request.state {
        case .done, .refused:
            "answered \(PageWords.time(request.finishedAt, otherwise: ""))"
        default: PageWords.time(request.dueAt)
        }
    }

    static func what(_ request: ForgetRequestDocument) -> String {
        switch request.scope {
        case .subject: "A person, with all channels"
        case .channel: "A channel"
        case .period: "A channel, \(request.from ?? "") to \(request.to ?? "")"
        case .retention: "What is older than is kept"
        }
    }

    static func badge(_ state: ForgetState) -> HTML {
        let (kind, text): (String, String) =
            switch state {
            case .received: ("warn", "identity to be checked")
            case .checked: ("warn", "to be approved")
            case .approved: ("calm", "approved")
            case .executing: ("calm", "being erased")
            case .done: ("good", "erased")
            case .refused: ("calm", "refused")
            }
        return "<span class=\"badge \(kind)\">\(text)</span>"
    }
}
