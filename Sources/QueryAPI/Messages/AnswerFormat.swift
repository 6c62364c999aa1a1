import HTTPServer

/// The media types in which messages can be had.
enum AnswerFormat: String, CaseIterable {
    case json = "application/json"
    case lines = "application/x-ndjson"
    case csv = "text/csv"

    /// - Throws: `RequestError.notAcceptable`.
    init(_ request: HTTPRequest) throws(RequestError) {
        self = try request.accepted(Self.allCases)
    }
}

extension HTTPRequest {
    /// The media type that the request's Accept fields like best; the first offered where they do
    /// not say.
    ///
    /// - Throws: `RequestError.notAcceptable` where they allow none.
    func accepted<Format: RawRepresentable<String>>(
        _ offered: [Format]
    ) throws(RequestError) -> Format {
        let types = offered.map(\.rawValue)
        guard let index = HTTPPreferences(headers.values("Accept")).mediaType(among: types) else {
            throw .notAcceptable(offered: types)
        }
        return offered[index]
    }
}
