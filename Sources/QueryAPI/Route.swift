import Archive
import HTTPServer
import Vault

/// Who may call a route.
enum Access: Sendable {
    /// Anyone: it tells nothing of channels.
    case anyone
    /// Anyone; who is signed in at the page is known, and nobody is refused.
    case visitor
    /// Anyone, and who may read channels, within the token's scope.
    case anyoneOrReader
    /// Who may read channels, within the token's scope.
    case reader
    case admin
    /// The person a token is bound to.
    case subject
    case adminOrSubject

    func allows(_ role: TokenRole) -> Bool {
        switch self {
        case .anyone, .visitor: true
        case .reader, .anyoneOrReader: role != .subject
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
    /// How it tells what went wrong.
    let errors: ErrorShape
    /// What a client may ask of it in a while is bounded.
    let isLimited: Bool
    let handler: @Sendable (Call) async throws -> HTTPResponse

    init(
        _ method: String, _ template: String, _ access: Access, errors: ErrorShape = .problem,
        isLimited: Bool = false,
        _ handler: @escaping @Sendable (Call) async throws -> HTTPResponse
    ) {
        self.method = method
        self.template = template
        self.access = access
        self.errors = errors
        self.isLimited = isLimited
        self.handler = handler
    }

    /// What is asked over and over to see whether the service is well: never limited.
    var isProbe: Bool { ["/healthz", "/readyz", "/metrics"].contains(template) }

    /// Whether a person looks at what it answers.
    var isPage: Bool { if case .page = errors { true } else { false } }

    /// Whether a session of the page does where there is no token. The commands of a node may be
    /// asked by any page, and so never by a session.
    var takesSessions: Bool {
        switch errors {
        case .problem, .page: true
        case .node, .chrysalis: false
        }
    }

    /// The channel in the path, on routes about one.
    func channel(_ parameters: PathParameters) -> ChannelNumber? {
        guard ["/v1/channels/{id}", "/channels/{id}"].contains(where: template.hasPrefix) else {
            return nil
        }
        return parameters["id"].flatMap { ChannelNumber(text: $0) }
    }
}

/// A request of a caller who was let in.
struct Call: Sendable {
    let request: HTTPRequest
    let parameters: PathParameters
    /// Nil only on routes open to anyone.
    let caller: Caller?
    /// By which the caller was let in; nil for who came with a token.
    var session: Sessions.Session?

    /// Takes what a request costs that turned out to be dearer than others.
    var charge: @Sendable (_ cost: Double) -> Void = { _ in }

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
