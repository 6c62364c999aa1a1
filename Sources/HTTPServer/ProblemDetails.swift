import Failures

/// A problem document (RFC 9457), with `code` for machines.
package struct ProblemDetails: Codable, Sendable, Hashable {
    /// A URI naming the kind of problem; `about:blank` where the status says it all.
    package var type: String
    package var title: String
    package var status: Int
    package var detail: String?
    /// Stable, such as `http.body-too-large`.
    package var code: String

    /// `title` defaults to the status's reason phrase.
    package init(
        status: Int, code: String, detail: String? = nil, title: String? = nil,
        type: String = "about:blank"
    ) {
        self.type = type
        self.title = title ?? HTTPStatus.reason(status)
        self.status = status
        self.detail = detail
        self.code = code
    }

    /// What anyone may read of a failure.
    package init(status: Int, _ failure: any Failure) {
        self.init(status: status, code: failure.code, detail: failure.publicText)
    }
}
