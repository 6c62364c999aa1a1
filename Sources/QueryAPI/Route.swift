import Archive
import HTTPServer
import Vault

/// Who may call a route.
enum Access: Sendable {
    /// Anyone: it tells nothing of channels.
    case anyone
    /// Who may read channels, within the token's scope.
    case reader
    case admin
    /// The person a token is bound to.
    case subject
    case adminOrSubject

    func allows(_ role: TokenRole) -> Bool {
        switch self {
        case .anyone: true
        case .reader: role != .subject
        case .admin: role == .admin
        case .subject: role == .subject
        case .adminOrSubject: role != .reader
        }
    }
}

/// A method and a path with what answers them.
struct Route: Sendable {
    let method: String
    /// With `{name}` for single segments.
    let template: String
    let access: Access
    let handler: @Sendable (Call) async throws -> HTTPResponse

    init(
        _ method: String, _ template: String, _ access: Access,
        _ handler: @escaping @Sendable (Call) async throws -> HTTPResponse
    ) {
        self.method = method
        self.template = template
        self.access = access
        self.handler = handler
    }
}

/// A request of a caller who was let in.
struct Call: Sendable {
    let request: HTTPRequest
    let parameters: PathParameters
    /// Nil only on routes open to anyone.
    let caller: Caller?

    /// The channels the caller may know of.
    var scope: ChannelScope { caller?.scope ?? .only([]) }

    var isAdmin: Bool { caller?.role == .admin }

    /// The number in the path, where there is one.
    var namedNumber: ChannelNumber? {
        parameters["id"].flatMap { ChannelNumber(text: $0) }
    }

    /// The channel in the path.
    /// - Throws: `RequestError.noSuchChannel` for what can be none.
    func channel() throws(RequestError) -> ChannelNumber {
        guard let number = namedNumber else { throw .noSuchChannel }
        return number
    }
}
