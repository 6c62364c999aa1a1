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
        /// Only with the answer that made the request.
        let salt: String?
    }

    private struct Page: Encodable {
        let requests: [Document]
    }

    /// Without what it was about once that is forgotten: the receipt has no number either.
    private struct Document: Encodable {
        let id: String
        let scope: ForgetRequestRecord.Kind
        let from: String?
        let to: String?
        let state: ForgetState
        let receivedAt: Timestamp
        let dueAt: Timestamp
        let finishedAt: Timestamp?
        let receipt: Receipt?

        init(_ record: ForgetRequestRecord) throws {
            id = record.id.text
            scope = record.kind
            from = record.periods?.lowerBound.description
            to = record.periods?.upperBound.description
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
        let body = try RequestBody(
            call.request, known: ["subject", "channel", "from", "to", "reason"])
        let selector: ForgetSelector
        let periods = try periods(body)
        switch (try body.text("subject"), try body.text("channel"), periods) {
        case (let subject?, nil, nil): selector = .subject(subject)
        case (nil, let channel?, _):
            guard let number = ChannelNumber(text: channel) else {
                throw RequestError.noSuchChannel
            }
            selector = periods.map { .period(number, $0) } ?? .channel(number)
        case (nil, nil, .some): throw RequestError.fieldMissing("channel")
        default: throw RequestError.subjectOrChannel
        }
        let request = try await archive.receiveForgetRequest(
            selector, reason: body.text("reason"), now: clock())
        return .json(
            Accepted(
                id: request.id.text, dueAt: Timestamp(request.dueAt), salt: request.salt?.text),
            status: 202,
            headers: ["Location": "/v1/forget-requests/\(request.id.text)"])
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
        return .json(Page(requests: try await archive.forgetRequests().map(Document.init)))
    }

    @Sendable private func show(_ call: Call) async throws -> HTTPResponse {
        guard let id = call.namedNumber else { throw RequestError.noSuchRequest }
        return .json(try Document(try await archive.forgetRequest(id)))
    }
}
