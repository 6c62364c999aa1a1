import Archive
import HTTPServer

/// What went wrong, for who looks at it in a browser.
enum ProblemPage {
    /// Whether a browser asks for a page, where there is none.
    static func isWanted(by request: HTTPRequest) -> Bool {
        request.method == "GET" && !["v1", "api"].contains(request.pathSegments.first)
            && request.headers.values("Accept").contains { $0.contains("text/html") }
    }

    /// - Parameter caller: Who was let in, and then had no luck.
    static func response(_ problem: Problem, to request: HTTPRequest, by caller: Caller?)
        -> HTTPResponse
    {
        let details = problem.details
        guard details.status != 401 else {
            let isGET = request.method == "GET"
            return SignInPage.page(
                next: isGET ? SignInPage.path(request.path) : nil,
                refusal: isGET ? nil : "You are signed out. Nothing was done."
            ).response(status: 401)
        }
        var page = Page(
            details.title, for: nil,
            """
            <div class="card narrow">
            <p class="eyebrow">\(details.status)</p>
            <h1>\(title(details))</h1>
            <p class="lead">\(sentence(details)).</p>
            <p><a class="button" href="/">To the start</a></p>
            <p class="hint mono">\(details.code)</p>
            </div>
            """
        )
        page.caller = caller
        var response = page.response(status: details.status)
        for field in problem.headers { response.headers[field.name] = field.value }
        return response
    }

    private static func title(_ details: ProblemDetails) -> String {
        switch details.status {
        case 403: "Not allowed"
        case 404: "Nothing here"
        case 409: "That does not go now"
        case 429: "Too many requests"
        case 503: "Not now"
        case 500...: "Something went wrong"
        default: "That did not work"
        }
    }

    private static func sentence(_ details: ProblemDetails) -> String {
        let text = details.detail ?? details.title
        return (text.first?.uppercased() ?? "") + text.dropFirst()
    }
}
