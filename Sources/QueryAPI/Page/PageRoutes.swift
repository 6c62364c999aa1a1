import Archive
import Foundation
import HTTPServer

/// The page for people: each address of it, and who may see it.
struct PageRoutes: Sendable {
    let archive: Archive
    let sessions: Sessions
    let policy: RequestPolicy
    let clock: @Sendable () -> Date

    var routes: [Route] {
        [Route("GET", "/", .visitor, errors: .page, start), PageAssets.route]
            + SessionRoutes(archive: archive, sessions: sessions).routes
    }

    /// What is seen first: the form to sign in, or what the role is about.
    @Sendable private func start(_ call: Call) async throws -> HTTPResponse {
        switch call.caller?.role {
        case nil: return SignInPage.page(next: nil).response()
        case .admin, .reader: return try await ChannelListPage(archive: archive).response(call)
        case .subject: return Page("My data", .channels, for: call, "").response()
        }
    }
}
