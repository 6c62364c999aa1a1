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
            Route("POST", "/v1/forget-requests/plan", .adminOrSubject, plan),
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
        let asked = try await ForgetAsked(
            RequestBody(call.request, known: ForgetAsked.fields + ForgetAsked.more), call, archive)
        let request = try await asked.receive(archive, policy, now: clock())
        return .json(
            Accepted(
                id: request.id.text, dueAt: Timestamp(request.dueAt), salt: request.salt?.text),
            status: 202,
            headers: ["Location": "/v1/forget-requests/\(request.id.text)"])
    }

    /// What it would erase now, in counts. Nothing is changed, and nothing noted.
    @Sendable private func plan(_ call: Call) async throws -> HTTPResponse {
        let asked = try await ForgetAsked(
            RequestBody(call.request, known: ForgetAsked.fields), call, archive)
        return .json(try await asked.plan(archive))
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
