import HTTPServer

/// The media types in which readings can be had.
package enum ReadingsFormat: String, Sendable, CaseIterable {
    case json = "application/json"
    case csv = "text/csv"
    /// Green Button (ESPI, NAESB REQ.21).
    case greenButton = "application/atom+xml"

    /// - Throws: `RequestError.notAcceptable`.
    init(_ request: HTTPRequest) throws(RequestError) {
        self = try request.accepted(Self.allCases)
    }
}
