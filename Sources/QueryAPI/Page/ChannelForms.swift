import Archive
import Foundation
import HTTPServer
import MAM
import Vault

/// What admins do to a channel from its page.
struct ChannelForms: Sendable {
    let archive: Archive
    let clock: @Sendable () -> Date

    var routes: [Route] {
        [
            Route("POST", "/channels/{id}/pause", .admin, errors: .page) { call in
                _ = try FormBody(call.request, known: [])
                try await archive.pause(call.channel())
                return try Self.back(call)
            },
            Route("POST", "/channels/{id}/resume", .admin, errors: .page) { call in
                _ = try FormBody(call.request, known: [])
                try await archive.resume(call.channel(), now: clock())
                return try Self.back(call)
            },
            Route("POST", "/channels/{id}/keys", .admin, errors: .page) { call in
                let form = try FormBody(call.request, known: ["sideKey"])
                try await archive.add(
                    .named(form.requiredText("sideKey"), field: "sideKey"), to: call.channel(),
                    now: clock())
                return try Self.back(call)
            },
        ]
    }

    private static func back(_ call: Call) throws -> HTTPResponse {
        Page.redirect(to: "/channels/\(try call.channel().text)")
    }
}

extension SideKey {
    /// - Throws: `RequestError.field`, which does not repeat it.
    static func named(_ text: String, field: String) throws(RequestError) -> SideKey {
        do {
            return try SideKey(text)
        } catch {
            throw .field(field, wanted: "1 to \(tryteCount) trytes (9 and A to Z)")
        }
    }
}
