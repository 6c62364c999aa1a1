import Failures

/// What is wrong with a request. Names what was asked for, and never repeats a value.
package enum RequestError: Failure, Equatable {
    /// No token, or none that is known.
    case unauthenticated(tokenGiven: Bool)
    /// The token's role is not enough, whatever the request is about.
    case forbidden
    /// It came with a session, and not from a page of this service.
    case foreignOrigin
    /// The page's session is over, or its token was revoked.
    case sessionOver
    /// An id that cannot be any; told like one that is not there.
    case noSuchChannel, noSuchMessage, noSuchRequest, noSuchGrant
    case noSuchPage
    case bodyTooLarge(limit: Int)
    case notJSON
    case notAForm
    case wrongContentType
    case unknownField(known: [String])
    case fieldMissing(String)
    case field(String, wanted: String)
    case subjectOrChannel
    case unknownParameter(known: [String])
    case parameter(String, wanted: String)
    case cursor
    case notAcceptable(offered: [String])
    /// More than a client may ask for in a while.
    case tooOften(seconds: Int)
    case nodeInterfaceOff
    /// Who listens takes less than there is.
    case tooSlow

    package var status: Int {
        switch self {
        case .unauthenticated, .sessionOver: 401
        case .forbidden, .foreignOrigin: 403
        case .noSuchChannel, .noSuchMessage, .noSuchRequest, .noSuchGrant, .noSuchPage,
            .nodeInterfaceOff:
            404
        case .tooOften: 429
        case .tooSlow: 408
        case .bodyTooLarge: 413
        case .wrongContentType: 415
        case .notAcceptable: 406
        default: 400
        }
    }

    package var code: String {
        switch self {
        case .unauthenticated: "request.unauthenticated"
        case .forbidden: "request.forbidden"
        case .foreignOrigin: "request.foreign-origin"
        case .sessionOver: "request.session-over"
        case .noSuchChannel: "archive.no-such-channel"
        case .noSuchMessage: "archive.no-such-message"
        case .noSuchRequest: "archive.no-such-request"
        case .noSuchGrant: "archive.no-such-grant"
        case .noSuchPage: "http.not-found"
        case .bodyTooLarge: "request.body-too-large"
        case .notJSON: "request.not-json"
        case .notAForm: "request.not-a-form"
        case .wrongContentType: "request.content-type"
        case .unknownField: "request.unknown-field"
        case .fieldMissing: "request.field-missing"
        case .field, .subjectOrChannel: "request.field"
        case .unknownParameter: "request.unknown-parameter"
        case .parameter: "request.parameter"
        case .cursor: "request.cursor"
        case .notAcceptable: "request.not-acceptable"
        case .tooOften: "request.too-often"
        case .nodeInterfaceOff: "request.node-interface-off"
        case .tooSlow: "events.too-slow"
        }
    }

    package var operation: String { "read request" }

    package var publicText: String {
        switch self {
        case .unauthenticated(tokenGiven: false): "this needs a token: Authorization: Bearer TOKEN"
        case .unauthenticated(tokenGiven: true): "the token is not valid"
        case .forbidden: "this needs a token of another role"
        case .foreignOrigin:
            "this was not asked by a page of this service: neither Origin nor Sec-Fetch-Site says so"
        case .sessionOver: "the session is over: sign in again"
        case .noSuchChannel: "there is no such channel"
        case .noSuchMessage: "there is no such message"
        case .noSuchRequest: "there is no such forget request"
        case .noSuchGrant: "there is no such grant"
        case .noSuchPage: "there is nothing at this address"
        case .bodyTooLarge(let limit): "the body has more than \(limit) bytes"
        case .notJSON: "the body is not one JSON object"
        case .notAForm: "the body is not the form that is asked for"
        case .wrongContentType: "the body's Content-Type is not application/json"
        case .unknownField(let known): "the body has a field besides \(Self.list(known))"
        case .fieldMissing(let name): "the field \(name) is missing"
        case .field(let name, let wanted): "the field \(name) is not \(wanted)"
        case .subjectOrChannel: "exactly one of the fields subject and channel is needed"
        case .unknownParameter(let known):
            known.isEmpty
                ? "the query has a parameter, and none is known here"
                : "the query has a parameter besides \(Self.list(known))"
        case .parameter(let name, let wanted): "the query parameter \(name) is not \(wanted)"
        case .cursor: "the cursor (after, or Last-Event-ID) is none of this list and order"
        case .notAcceptable(let offered):
            "the answer can be had as \(Self.list(offered)), and Accept allows none of them"
        case .tooOften: "too many requests"
        case .tooSlow: "the events were not taken as fast as they came"
        case .nodeInterfaceOff: "The node interface is off"
        }
    }

    private static func list(_ names: [String]) -> String { names.joined(separator: ", ") }
}
