import Archive
import HTTPServer
import Vault

/// What people are told of who read their data.
struct AccessLogRoutes: Sendable {
    /// Entries, or people, of a page unless asked otherwise.
    private static let defaultPage = 100

    let archive: Archive

    var routes: [Route] {
        [
            Route("GET", "/v1/subjects", .admin, list),
            Route("GET", "/v1/subjects/{id}/access-log", .adminOrSubject, accessLog),
        ]
    }

    private struct Subjects: Encodable {
        struct Subject: Encodable {
            let id: String
            let subject: String
            let createdAt: Timestamp
        }

        let subjects: [Subject]
        let next: String?
    }

    @Sendable private func list(_ call: Call) async throws -> HTTPResponse {
        let query = try RequestQuery(call.request, known: ["after", "limit"])
        let limit = try query.integer("limit", in: 1...Archive.subjectPageLimit) ?? Self.defaultPage
        let records = try await archive.subjects(after: query.number("after"), limit: limit)
        return .json(
            Subjects(
                subjects: records.map {
                    .init(
                        id: $0.number.text, subject: $0.pseudonym,
                        createdAt: Timestamp($0.createdAt))
                }, next: records.count == limit ? records.last?.number.text : nil))
    }

    private struct Page: Encodable {
        let entries: [AccessLogDocument]
        let next: String?
        let consent: ConsentDocument?
    }

    @Sendable private func accessLog(_ call: Call) async throws -> HTTPResponse {
        guard let subject = call.namedNumber else { throw ArchiveError.noSuchSubject }
        let query = try RequestQuery(call.request, known: ["after", "limit"])
        let after = try query.text("after").map { text throws(RequestError) in
            try AccessLogCursor.key(text, of: subject, archive.vault)
        }
        let page = try await archive.accessLog(
            of: subject, for: call.isAdmin ? nil : call.caller?.subject, after: after,
            limit: query.integer("limit", in: 1...Archive.accessLogLimit) ?? Self.defaultPage)
        return .json(
            Page(
                entries: page.entries.map { AccessLogDocument($0, subject: subject) },
                next: try page.next.map {
                    try AccessLogCursor.text($0, of: subject, archive.vault)
                },
                consent: page.consent.map(ConsentDocument.init)))
    }
}
