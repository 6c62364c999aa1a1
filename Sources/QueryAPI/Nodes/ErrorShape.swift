import Archive
import Foundation
import HTTPServer

/// How a route tells what went wrong.
enum ErrorShape: Sendable {
    /// RFC 9457.
    case problem
    /// As IRI does: `error`, or `exception` with 500.
    case node
    /// As the nodes of Chrysalis do: `{"error": {"code", "message"}}`.
    case chrysalis
    /// A page for people.
    case page

    private struct Node: Encodable {
        var error: String?
        var exception: String?
        let duration = 0
    }

    private struct Chrysalis: Encodable {
        struct Error: Encodable {
            let code: String
            let message: String
        }

        let error: Error
    }

    func response(_ problem: Problem, to request: HTTPRequest, by caller: Caller?)
        -> HTTPResponse
    {
        let details = problem.details
        let text = details.detail ?? details.code
        var headers = problem.headers
        headers["Access-Control-Allow-Origin"] = "*"
        switch self {
        case .problem: return problem.response
        case .page: return ProblemPage.response(problem, to: request, by: caller)
        case .node:
            return .json(
                details.status == 500 ? Node(exception: text) : Node(error: text),
                status: details.status, headers: headers)
        case .chrysalis:
            return .json(
                Chrysalis(error: .init(code: String(details.status), message: text)),
                status: details.status, headers: headers)
        }
    }
}
