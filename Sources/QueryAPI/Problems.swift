import Archive
import Diagnostics
import Failures
import HTTPServer
import Vault

/// What becomes of an error: a status and a problem document (RFC 9457).
struct Problem: Sendable {
    /// Seconds after which a caller may try again what did not work for now.
    private static let retryAfter = "5"

    let details: ProblemDetails
    private(set) var headers: HTTPHeaders = [:]

    init(_ error: any Error) {
        switch error {
        case let error as RequestError:
            details = ProblemDetails(status: error.status, error)
            if case .tooOften(let seconds) = error { headers["Retry-After"] = String(seconds) }
            if error == .sessionOver { headers["WWW-Authenticate"] = "Bearer realm=\"permanode\"" }
            if case .unauthenticated(let tokenGiven) = error {
                headers["WWW-Authenticate"] =
                    tokenGiven
                    ? "Bearer realm=\"permanode\", error=\"invalid_token\""
                    : "Bearer realm=\"permanode\""
            }
        case let error as ArchiveError:
            details = ProblemDetails(status: Self.status(error), error)
        case let error as RequestLifeError:
            details = ProblemDetails(status: 409, error)
        case VaultError.forgotten:
            // A reader who was faster than the forget that the statement did not see yet.
            details = ProblemDetails(status: 404, RequestError.noSuchChannel)
        case let failure as any Failure:
            details = ProblemDetails(status: failure.retryable ? 503 : 500, failure)
        case is CancellationError:
            details = ProblemDetails(
                status: 503, code: "request.cancelled", detail: "the request was cancelled")
        default:
            details = ProblemDetails(
                status: 500, code: "request.failed", detail: "something went wrong here")
        }
        if details.status == 503 { headers["Retry-After"] = Self.retryAfter }
    }

    var response: HTTPResponse { .problem(details, headers: headers) }

    private static func status(_ error: ArchiveError) -> Int {
        switch error {
        case .noSuchHold, .noSuchChannel, .noSuchMessage, .noSuchToken, .noSuchGrant,
            .noSuchRequest, .noSuchSubject, .noSuchTombstone:
            404
        case .onHold, .sharedChannels, .alreadyRegistered, .forgotten, .wrongState,
            .tooManySideKeys, .tooManySubjects, .tooManyGrants,
            .consentExists, .consentChannel, .providerKeyExists,
            .tooManyProviderKeys, .tooManyEarlierChains, .handOverForOthers:
            409
        case .purposeTooLong, .sideKeyMissing, .sideKeyNotWanted, .labelTooLong, .subjectMalformed,
            .reasonTooLong, .periodNotBegun, .grantMalformed, .consentMalformed,
            .handOverMalformed:
            400
        case .fenced, .interrupted, .auditBehind: 503
        case .damaged, .damagedMessage, .notANumber, .schemaVersion: 500
        }
    }
}
