import Archive
import Erasure
import Foundation
import HTTPServer
import Vault

/// Taking requests to forget, and telling how far they are. Carrying them out is the eraser's.
struct ForgetRoutes: Sendable {
    let archive: Archive
    let clock: @Sendable () -> Date

    var routes: [Route] {
        [
            Route("POST", "/v1/forget-requests", .admin, receive),
            Route("GET", "/v1/forget-requests", .admin, list),
            Route("GET", "/v1/forget-requests/{id}", .admin, show),
        ]
    }

    private struct Accepted: Encodable {
        let id: String
        let dueAt: Timestamp
    }

    private struct Page: Encodable {
        let requests: [Document]
    }

    /// Without what it was about once that is forgotten: the receipt has no number either.
    private struct Document: Encodable {
        let id: String
        let scope: ForgetRequestRecord.Kind
        let state: ForgetState
        let receivedAt: Timestamp
        let dueAt: Timestamp
        let finishedAt: Timestamp?
        let receipt: Receipt?

        init(_ record: ForgetRequestRecord) throws {
            id = record.id.text
            scope = record.kind
            state = record.state
            receivedAt = Timestamp(record.receivedAt)
            dueAt = Timestamp(record.dueAt)
            finishedAt = record.finishedAt.map(Timestamp.init)
            let decoder = JSONDecoder()
            decoder.dateDecodingStrategy = .iso8601
            do {
                receipt = try record.receipt.map {
                    try decoder.decode(Receipt.self, from: Data($0.utf8))
                }
            } catch {
                throw ArchiveError.damaged(table: "forget_request", channel: record.id)
            }
        }
    }

    @Sendable private func receive(_ call: Call) async throws -> HTTPResponse {
        let body = try RequestBody(call.request, known: ["subject", "channel", "reason"])
        let selector: ForgetSelector
        switch (try body.text("subject"), try body.text("channel")) {
        case (let subject?, nil): selector = .subject(subject)
        case (nil, let channel?):
            guard let number = ChannelNumber(text: channel) else {
                throw RequestError.noSuchChannel
            }
            selector = .channel(number)
        default: throw RequestError.subjectOrChannel
        }
        let request = try await archive.receiveForgetRequest(
            selector, reason: body.text("reason"), now: clock())
        return .json(
            Accepted(id: request.id.text, dueAt: Timestamp(request.dueAt)), status: 202,
            headers: ["Location": "/v1/forget-requests/\(request.id.text)"])
    }

    @Sendable private func list(_ call: Call) async throws -> HTTPResponse {
        _ = try RequestQuery(call.request, known: [])
        return .json(Page(requests: try await archive.forgetRequests().map(Document.init)))
    }

    @Sendable private func show(_ call: Call) async throws -> HTTPResponse {
        guard let id = call.namedNumber else { throw RequestError.noSuchRequest }
        return .json(try Document(try await archive.forgetRequest(id)))
    }
}
