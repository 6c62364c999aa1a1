import Archive
import Foundation
import HTTPServer

/// The page for people: each address of it, and who may see it.
struct PageRoutes: Sendable {
    let archive: Archive
    let sessions: Sessions
    let readings: ReadingRoutes
    let policy: RequestPolicy
    let clock: @Sendable () -> Date

    var routes: [Route] {
        let request = RequestPage(archive: archive, policy: policy, clock: clock)
        return [
            Route("GET", "/", .visitor, errors: .page, start),
            PageAssets.route,
            page("/channels/{id}", .reader, ChannelPage(archive: archive).response),
            page("/channels/{id}/messages", .reader, MessageListPage(archive: archive).response),
            page(
                "/channels/{id}/messages/{sequence}", .reader,
                MessagePage(archive: archive).response),
            page(
                "/channels/{id}/readings", .reader,
                ReadingsPage(archive: archive, readings: readings, clock: clock).response),
            page(
                "/requests", .adminOrSubject,
                RequestListPage(archive: archive, clock: clock).response),
            page("/requests/{id}", .adminOrSubject, request.response),
            page("/requests/{id}/receipt", .adminOrSubject, request.receipt),
        ] + request.forms + SessionRoutes(archive: archive, sessions: sessions).routes
            + ChannelForms(archive: archive, clock: clock).routes
            + ForgetFormPage(archive: archive, policy: policy, clock: clock).routes
            + PeoplePages(archive: archive).routes
            + TokenPages(archive: archive, clock: clock).routes
            + HoldPages(archive: archive, clock: clock).routes
            + RegistrationPage(archive: archive, clock: clock).routes
    }

    private func page(
        _ path: String, _ access: Access,
        _ handler: @escaping @Sendable (Call) async throws -> HTTPResponse
    ) -> Route {
        Route("GET", path, access, errors: .page, handler)
    }

    /// What is seen first: the form to sign in, or what the role is about.
    @Sendable private func start(_ call: Call) async throws -> HTTPResponse {
        switch call.caller?.role {
        case nil: SignInPage.page(next: nil).response()
        case .admin, .reader: try await ChannelListPage(archive: archive).response(call)
        case .subject: try await SubjectPage(archive: archive).response(call)
        }
    }
}
