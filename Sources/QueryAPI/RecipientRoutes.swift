import Archive
import HTTPServer
import Vault

/// Who read a channel; and what readers are told when it is forgotten.
struct RecipientRoutes: Sendable {
    /// Events of a page unless asked otherwise.
    private static let defaultPage = 100

    let archive: Archive

    var routes: [Route] {
        [
            Route("GET", "/v1/channels/{id}/readers", .admin, readers),
            Route("GET", "/v1/events", .reader, events),
        ]
    }

    private struct Readers: Encodable {
        let readers: [RecipientDocument]
    }

    @Sendable private func readers(_ call: Call) async throws -> HTTPResponse {
        let recipients = try await archive.recipients(of: call.channel(), within: call.scope)
        return .json(Readers(readers: recipients.map(RecipientDocument.init)))
    }

    private struct Page: Encodable {
        let events: [Event]
        /// Where to go on, also where there is nothing more now.
        let next: Int64
    }

    private struct Event: Encodable {
        let number: Int64
        let event = "forgotten"
        let channel: String
        let request: String
        let at: Timestamp
        /// Who is told; to admins only.
        let token: String?
        /// When the webhook took it; to admins only.
        let deliveredAt: Timestamp?

        init(_ notice: Notice, isAdmin: Bool) {
            number = notice.number
            channel = notice.channel.text
            request = notice.request.text
            at = Timestamp(notice.at)
            token = isAdmin ? notice.reader.text : nil
            deliveredAt = isAdmin ? notice.deliveredAt.map(Timestamp.init) : nil
        }
    }

    /// A reader's own; an admin's are all there are.
    @Sendable private func events(_ call: Call) async throws -> HTTPResponse {
        let query = try RequestQuery(call.request, known: ["after", "limit"])
        let after = try query.integer("after", in: 0...Int.max) ?? 0
        let limit =
            try query.integer("limit", in: 1...Archive.noticePageLimit) ?? Self.defaultPage
        let notices = try await archive.notices(
            for: call.isAdmin ? nil : call.caller?.token, after: Int64(after), limit: limit)
        return .json(
            Page(
                events: notices.map { Event($0, isAdmin: call.isAdmin) },
                next: notices.last?.number ?? Int64(after)))
    }
}
