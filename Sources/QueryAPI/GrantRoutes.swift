import Archive
import Foundation
import HTTPServer
import Vault

/// What readers may read, as admins give it.
struct GrantRoutes: Sendable {
    /// Grants of a page unless asked otherwise.
    private static let defaultPage = 100

    let archive: Archive
    let clock: @Sendable () -> Date

    var routes: [Route] {
        [
            Route("POST", "/v1/grants", .admin, add),
            Route("GET", "/v1/grants", .admin, list),
            Route("POST", "/v1/grants/{id}/revoke", .admin, revoke),
        ]
    }

    private struct Page: Encodable {
        let grants: [GrantDocument]
        let next: String?
    }

    @Sendable private func add(_ call: Call) async throws -> HTTPResponse {
        let body = try RequestBody(
            call.request,
            known: [
                "token", "channel", "purpose", "from", "until", "firstPosition", "lastPosition",
                "expires",
            ])
        let record = try await archive.addGrant(
            NewGrant(
                token: body.number("token"), channel: body.number("channel"),
                purpose: body.requiredText("purpose"),
                window: GrantWindow(
                    seenFrom: body.time("from"), seenUntil: body.time("until"),
                    firstPosition: body.integer("firstPosition"),
                    lastPosition: body.integer("lastPosition")),
                expiresAt: body.time("expires")), now: clock())
        return .json(GrantDocument(record), status: 201)
    }

    @Sendable private func list(_ call: Call) async throws -> HTTPResponse {
        let query = try RequestQuery(call.request, known: ["channel", "token", "after", "limit"])
        let limit = try query.integer("limit", in: 1...Archive.grantPageLimit) ?? Self.defaultPage
        let records = try await archive.grants(
            of: query.number("channel"), to: query.number("token"), after: query.number("after"),
            limit: limit)
        return .json(
            Page(
                grants: records.map(GrantDocument.init),
                next: records.count == limit ? records.last?.id.text : nil))
    }

    @Sendable private func revoke(_ call: Call) async throws -> HTTPResponse {
        _ = try RequestBody(call.request, known: [])
        guard let id = call.namedNumber else { throw RequestError.noSuchGrant }
        return .json(GrantDocument(try await archive.revokeGrant(id, now: clock())))
    }
}
