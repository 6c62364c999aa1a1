import Archive
import Erasure
import Foundation
import HTTPServer
import Vault

/// Taking requests to forget, and telling how far they are. Carrying them out is the eraser's.
struct ForgetRoutes: Sendable {
    let archive: Archive
    let policy: RequestPolicy
    let clock: @Sendable () -> Date

    var routes: [Route] {
        [
            Route("POST", "/v1/forget-requests", .adminOrSubject, receive),
            Route("GET", "/v1/forget-requests", .adminOrSubject, list),
            Route("GET", "/v1/forget-requests/{id}", .adminOrSubject, show),
            Route("GET", "/v1/receipt-key", .anyone, receiptKey),
        ]
    }

    private struct Accepted: Encodable {
        let id: String
        let dueAt: Timestamp
        /// Only with the answer that made the request.
        let salt: String?
    }

    private struct Page: Encodable {
        let requests: [ForgetRequestDocument]
    }

    private struct ReceiptKey: Encodable {
        let algorithm = "Ed25519"
        let key: String
    }

    @Sendable private func receive(_ call: Call) async throws -> HTTPResponse {
        let body = try RequestBody(
            call.request,
            known: ["subject", "channel", "from", "to", "reason", "identity", "shared"])
        let selector: ForgetSelector
        let periods = try periods(body)
        switch (try await subject(body, call), try await channel(body, call), periods) {
        case (let subject?, nil, nil): selector = .subject(subject)
        case (nil, let channel?, _):
            selector = periods.map { .period(channel, $0) } ?? .channel(channel)
        case (nil, nil, .some): throw RequestError.fieldMissing("channel")
        default: throw RequestError.subjectOrChannel
        }
        let request = try await archive.receiveForgetRequest(
            selector, shared: try shared(body, selector, call), reason: body.text("reason"),
            opening: try opening(body, call), policy: policy,
            now: clock())
        return .json(
            Accepted(
                id: request.id.text, dueAt: Timestamp(request.dueAt), salt: request.salt?.text),
            status: 202,
            headers: ["Location": "/v1/forget-requests/\(request.id.text)"])
    }

    /// How far it is from the start. An admin's word stands for the person's identity, unless
    /// he says otherwise, and for the approval; a person's own token for his identity alone.
    private func opening(_ body: RequestBody, _ call: Call) throws(RequestError)
        -> RequestLife.Opening
    {
        let identity = try body.text("identity")
        guard call.isAdmin else { return .checked }
        switch identity {
        case nil, "checked": return .approved
        case "open": return .received
        default: throw .field("identity", wanted: "checked or open")
        }
    }

    /// What becomes of channels that are others' data, too. An admin who names a channel means it;
    /// everybody else has to say so.
    private func shared(_ body: RequestBody, _ selector: ForgetSelector, _ call: Call)
        throws(RequestError) -> SharedChannels
    {
        let isOfPerson = if case .subject = selector { true } else { false }
        switch try body.text("shared") {
        case nil: return call.isAdmin && !isOfPerson ? .forget : .refuse
        case "forget": return .forget
        case "leave" where isOfPerson: return .leave
        default: throw .field("shared", wanted: "forget, or with a person leave")
        }
    }

    /// The pseudonym named; of a person's own token, that of the person where no channel is.
    private func subject(_ body: RequestBody, _ call: Call) async throws -> String? {
        let named = try body.text("subject")
        guard let subject = call.caller?.subject else { return named }
        guard named == nil else {
            throw RequestError.field("subject", wanted: "for a person's own token: it is his")
        }
        guard try body.text("channel") == nil else { return nil }
        return try await archive.pseudonym(of: subject)
    }

    /// The channel named, of those the caller may know of.
    private func channel(_ body: RequestBody, _ call: Call) async throws -> ChannelNumber? {
        guard let text = try body.text("channel") else { return nil }
        guard let number = ChannelNumber(text: text) else { throw RequestError.noSuchChannel }
        if !call.isAdmin { _ = try await archive.channel(number, within: call.scope) }
        return number
    }

    /// Of the fields `from` and `to`, of which one does not stand without the other.
    private func periods(_ body: RequestBody) throws -> ClosedRange<Period>? {
        let (from, to) = (try body.text("from"), try body.text("to"))
        guard from != nil || to != nil else { return nil }
        guard let from else { throw RequestError.fieldMissing("from") }
        guard let to else { throw RequestError.fieldMissing("to") }
        guard let first = Period(text: from) else {
            throw RequestError.field("from", wanted: "a month, as 2021-05")
        }
        guard let last = Period(text: to), first <= last else {
            throw RequestError.field("to", wanted: "a month, as 2021-05, not before from")
        }
        return first...last
    }

    @Sendable private func list(_ call: Call) async throws -> HTTPResponse {
        _ = try RequestQuery(call.request, known: [])
        guard let caller = call.caller else { throw RequestError.forbidden }
        let now = clock()
        let requests =
            call.isAdmin
            ? try await archive.forgetRequests() : try await archive.forgetRequests(of: caller)
        return .json(
            Page(requests: try requests.map { try ForgetRequestDocument($0, archive, now: now) }))
    }

    @Sendable private func show(_ call: Call) async throws -> HTTPResponse {
        guard let id = call.namedNumber, let caller = call.caller else {
            throw RequestError.noSuchRequest
        }
        return .json(
            try ForgetRequestDocument(
                try await archive.forgetRequest(id, for: caller), archive, now: clock()))
    }

    /// Not to be taken from the place that a receipt came from: published, it is compared.
    @Sendable private func receiptKey(_ call: Call) async throws -> HTTPResponse {
        .json(ReceiptKey(key: SignedReceipt.publicKey(of: archive.vault)))
    }
}
