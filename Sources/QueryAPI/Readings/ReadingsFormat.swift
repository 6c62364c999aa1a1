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

extension HTTPRequest {
    /// The media type that the request's Accept fields like best, the first of several
    /// (RFC 9110, 12.5.1). Where they do not say, or like any of a kind, the first offered counts.
    ///
    /// - Throws: `RequestError.notAcceptable` where they allow none.
    func accepted<Format: RawRepresentable<String>>(
        _ offered: [Format]
    ) throws(RequestError) -> Format {
        guard let first = offered.first else { throw .notAcceptable(offered: []) }
        let ranges = headers.values("Accept").joined(separator: ",").split(separator: ",")
        guard !ranges.isEmpty else { return first }
        var best: (format: Format, quality: Double)?
        for range in ranges {
            let parts = range.lowercased().split(separator: ";").map {
                $0.filter { $0 != " " && $0 != "\t" }
            }
            let quality = parts.dropFirst().first { $0.hasPrefix("q=") }
                .map { Double($0.dropFirst(2)) ?? 0 }
            guard let name = parts.first, quality ?? 1 > best?.quality ?? 0 else { continue }
            let isAny = name == "*/*" || name == "application/*"
            guard let format = isAny ? first : offered.first(where: { $0.rawValue == name })
            else { continue }
            best = (format, quality ?? 1)
        }
        guard let best else { throw .notAcceptable(offered: offered.map(\.rawValue)) }
        return best.format
    }
}
