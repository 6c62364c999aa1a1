import Archive
import Foundation
import HTTPServer
import Vault

/// What an officer does with requests, legal holds and tombstones.
struct LifeRoutes: Sendable {
    let archive: Archive
    let policy: RequestPolicy
    let clock: @Sendable () -> Date

    var routes: [Route] {
        [
            Route("POST", "/v1/forget-requests/{id}/check", .admin) { call in
                _ = try RequestBody(call.request, known: [])
                return try await advance(call) { signatory, _ in .check(by: signatory) }
            },
            Route("POST", "/v1/forget-requests/{id}/approve", .admin) { call in
                _ = try RequestBody(call.request, known: [])
                return try await advance(call) { .approve(by: $0, at: $1) }
            },
            Route("POST", "/v1/forget-requests/{id}/refuse", .admin) { call in
                let body = try RequestBody(call.request, known: ["reason"])
                let reason = try body.requiredText("reason")
                return try await advance(call, note: reason) { _, _ in .refuse }
            },
            Route("POST", "/v1/forget-requests/{id}/extend", .admin) { call in
                let body = try RequestBody(call.request, known: ["reason", "months"])
                let reason = try body.requiredText("reason")
                let text = try body.text("months") ?? "2"
                guard let months = Int(text), RequestLife.extensions.contains(months) else {
                    throw RequestError.field("months", wanted: "\"1\" or \"2\"")
                }
                return try await advance(call, note: reason) { _, now in
                    .extend(months: months, at: now)
                }
            },
            Route("GET", "/v1/holds", .admin, holds),
            Route("POST", "/v1/holds", .admin, setHold),
            Route("POST", "/v1/holds/lift", .admin, liftHold),
            Route("POST", "/v1/tombstones/lift", .admin, liftTombstone),
        ]
    }

    private func advance(
        _ call: Call, note: String? = nil,
        _ event: (Signatory, Date) -> RequestLife.Event
    ) async throws -> HTTPResponse {
        guard let id = call.namedNumber else { throw RequestError.noSuchRequest }
        let now = clock()
        let request = try await archive.advance(
            id, event(Signatory(AuditActor.current), now), policy: policy, note: note, now: now)
        return .json(try ForgetRequestDocument(request, archive, now: now))
    }

    private struct Holds: Encodable {
        let holds: [Hold]
    }

    private struct Hold: Encodable {
        /// The channel's or subject's number.
        let id: String
        let scope: LegalHold.Kind
        let reason: String
        let setAt: Timestamp
        let setBy: String?
    }

    @Sendable private func holds(_ call: Call) async throws -> HTTPResponse {
        _ = try RequestQuery(call.request, known: [])
        return try await answer()
    }

    private func answer() async throws -> HTTPResponse {
        .json(
            Holds(
                holds: try await archive.holds().map {
                    Hold(
                        id: $0.target.text, scope: $0.kind, reason: $0.reason,
                        setAt: Timestamp($0.setAt), setBy: $0.setBy?.text)
                }))
    }

    @Sendable private func setHold(_ call: Call) async throws -> HTTPResponse {
        let body = try RequestBody(call.request, known: ["subject", "channel", "reason"])
        try await archive.setHold(
            try selector(body), reason: try body.requiredText("reason"), now: clock())
        return try await answer()
    }

    @Sendable private func liftHold(_ call: Call) async throws -> HTTPResponse {
        let body = try RequestBody(call.request, known: ["subject", "channel", "reason"])
        try await archive.liftHold(
            try selector(body), reason: try body.text("reason"), now: clock())
        return try await answer()
    }

    private struct Lifted: Encodable {
        let lifted = true
    }

    @Sendable private func liftTombstone(_ call: Call) async throws -> HTTPResponse {
        let body = try RequestBody(call.request, known: ["root", "reason"])
        try await archive.liftTombstone(
            of: try body.root(), reason: try body.requiredText("reason"), now: clock())
        return .json(Lifted())
    }

    private func selector(_ body: RequestBody) throws(RequestError) -> HoldSelector {
        switch (try body.text("subject"), try body.text("channel")) {
        case (let subject?, nil): return .subject(subject)
        case (nil, let channel?):
            guard let number = ChannelNumber(text: channel) else { throw .noSuchChannel }
            return .channel(number)
        default: throw .subjectOrChannel
        }
    }
}
