import Archive
import Erasure
import Foundation
import HTTPServer
import Vault

/// A request to forget: how far it is, what it takes with it, what can be done, and its receipt.
struct RequestPage: Sendable {
    let archive: Archive
    let policy: RequestPolicy
    let clock: @Sendable () -> Date

    @Sendable func response(_ call: Call) async throws -> HTTPResponse {
        let record = try await record(call)
        let request = try ForgetRequestDocument(record, archive, now: clock())
        let plan = try await plan(record)
        let late: HTML? = request.late ? " <span class=\"badge bad\">late</span>" : nil
        return Page(
            "Request \(request.id)", .requests, for: call,
            """
            <p class="crumbs"><a href="/requests">Requests</a> /</p>
            <div class="head"><h1>\(RequestListPage.what(request))</h1>
            \(RequestListPage.badge(request.state))\(late)</div>
            <p class="sub-line">Request <span class="mono">\(request.id)</span></p>
            <div class="columns"><div>
            \(Self.steps(request))
            \(plan.map { ForgetPlanTable.html($0, shared: request.shared) })
            \(request.receipt.map { ReceiptCard.html($0, request.id) })
            </div><div>
            \(Self.facts(request, record, isAdmin: call.isAdmin))
            \(call.isAdmin ? Self.actions(request) : nil)
            </div></div>
            """
        ).response()
    }

    /// The receipt as it was signed, for who keeps it.
    @Sendable func receipt(_ call: Call) async throws -> HTTPResponse {
        let record = try await record(call)
        guard let text = record.receipt else { throw RequestError.noSuchRequest }
        return HTTPResponse(
            status: 200,
            headers: [
                "Content-Type": "application/json", "X-Content-Type-Options": "nosniff",
                "Content-Disposition": "attachment; filename=\"receipt-\(record.id.text).json\"",
            ], body: .bytes(Array(text.utf8)))
    }

    private func record(_ call: Call) async throws -> ForgetRequestRecord {
        guard let id = call.namedNumber, let caller = call.caller else {
            throw RequestError.noSuchRequest
        }
        return try await archive.forgetRequest(id, for: caller)
    }

    /// What it would erase now; nil once it began, or where its target is gone.
    private func plan(_ record: ForgetRequestRecord) async throws -> ForgetPlan? {
        guard [.received, .checked, .approved].contains(record.state) else { return nil }
        do {
            let selector: ForgetSelector =
                switch (record.kind, record.periods) {
                case (.subject, _):
                    .subject(try await archive.pseudonym(of: record.target))
                case (_, let periods?): .period(record.target, periods)
                case (_, nil): .channel(record.target)
                }
            return try await archive.planForget(selector, shared: record.shared)
        } catch ArchiveError.noSuchSubject, ArchiveError.noSuchChannel {
            return nil
        } catch VaultError.forgotten {
            return nil
        }
    }

    private static func steps(_ request: ForgetRequestDocument) -> HTML {
        let names: [(ForgetState, String)] = [
            (.received, "Received"), (.checked, "Identity checked"), (.approved, "Approved"),
            (.executing, "Being erased"), (.done, "Erased"),
        ]
        let reached = names.firstIndex { $0.0 == request.state }
        let items = names.enumerated().map { place, step -> HTML in
            let kind: String
            if let reached {
                kind =
                    place < reached || request.state == .done
                    ? "past" : place == reached ? "now" : "next"
            } else {
                kind = "next"
            }
            let current: HTML? = place == reached ? " aria-current=\"step\"" : nil
            return "<li class=\"\(kind)\"\(current)>\(step.1)</li>"
        }
        let refused: HTML? =
            request.state == .refused
            ? "<p class=\"alert\">It was refused, and nothing was erased.</p>" : nil
        return """
            <section class="card" aria-labelledby="steps"><h2 id="steps">How far it is</h2>
            \(refused ?? "<ol class=\"steps\">\(items)</ol>")
            \(request.note.map { note -> HTML in "<p><strong>Reason:</strong> <bdi>\(note)</bdi></p>" })
            </section>
            """
    }

    private static func facts(
        _ request: ForgetRequestDocument, _ record: ForgetRequestRecord, isAdmin: Bool
    ) -> HTML {
        let isOpen = ![.executing, .done, .refused].contains(request.state)
        let target: HTML? =
            !isAdmin || !isOpen
            ? nil
            : record.kind == .subject
                ? "<dt>About</dt><dd><a href=\"/people/\(record.target.text)\">person <span class=\"mono\">\(record.target.text)</span></a></dd>"
                : "<dt>About</dt><dd><a href=\"/channels/\(record.target.text)\">channel <span class=\"mono\">\(record.target.text)</span></a></dd>"
        let begins = request.notBefore.map { time -> HTML in
            "<dt>Begins</dt><dd>\(PageWords.time(time)), to stop a mistake until then</dd>"
        }
        return """
            <section class="card" aria-labelledby="facts"><h2 id="facts">Dates</h2><dl class="facts">
            <dt>Received</dt><dd>\(PageWords.time(request.receivedAt))</dd>
            <dt>Due</dt><dd>\(PageWords.time(request.dueAt))</dd>
            \(isOpen ? begins : nil)
            \(request.finishedAt.map { time -> HTML in "<dt>Answered</dt><dd>\(PageWords.time(time))</dd>" })
            \(target)</dl></section>
            """
    }

    private static func actions(_ request: ForgetRequestDocument) -> HTML? {
        let path = "/requests/\(request.id)"
        func button(_ act: String, _ text: String, _ kind: String) -> HTML {
            "<form method=\"post\" action=\"\(path)/\(act)\"><button class=\"\(kind)\">\(text)</button></form>"
        }
        let next: HTML
        switch request.state {
        case .received:
            next = """
                <p>Is the person who he says? Then:</p>\(button("check", "Identity is checked", "primary"))
                """
        case .checked:
            next = """
                <p>Approve it only if all of the plan is to go: it cannot be had back.</p>
                \(button("approve", "Approve, and erase", "danger"))
                """
        case .approved:
            next =
                "<p>It is carried out as soon as its time has come and no legal hold stands against it.</p>"
        case .executing, .done, .refused: return nil
        }
        return """
            <section class="card" aria-labelledby="actions"><h2 id="actions">Actions</h2>
            \(next)
            <details><summary>Refuse, or stop a mistake</summary>
            <form class="stack" method="post" action="\(path)/refuse">
            <label for="refusal">Why? The person is told.</label>
            <input id="refusal" name="reason" required maxlength="500"><button>Refuse</button></form></details>
            <details><summary>Take more time</summary>
            <form class="stack" method="post" action="\(path)/extend">
            <label for="extension">Why? The person is told.</label>
            <input id="extension" name="reason" required maxlength="500">
            <label for="months">Months</label>
            <select id="months" name="months"><option>1</option><option>2</option></select>
            <button>Extend</button></form></details>
            </section>
            """
    }

    /// What an officer does with a request from its page.
    var forms: [Route] {
        func route(
            _ act: String, _ known: [String],
            _ event: @escaping @Sendable (FormBody, Signatory, Date) throws -> RequestLife.Event
        ) -> Route {
            Route("POST", "/requests/{id}/\(act)", .admin, errors: .page) { call in
                let form = try FormBody(call.request, known: known)
                guard let id = call.namedNumber else { throw RequestError.noSuchRequest }
                let note = known.isEmpty ? nil : try form.requiredText("reason")
                let now = clock()
                try await archive.advance(
                    id, event(form, Signatory(AuditActor.current), now), policy: policy,
                    note: note, now: now)
                return Page.redirect(to: "/requests/\(id.text)")
            }
        }
        return [
            route("check", []) { _, officer, _ in .check(by: officer) },
            route("approve", []) { _, officer, now in .approve(by: officer, at: now) },
            route("refuse", ["reason"]) { _, _, _ in .refuse },
            route("extend", ["reason", "months"]) { form, _, now in
                guard let months = form.text("months").flatMap({ Int($0) }),
                    RequestLife.extensions.contains(months)
                else { throw RequestError.field("months", wanted: "1 or 2") }
                return .extend(months: months, at: now)
            },
        ]
    }
}
