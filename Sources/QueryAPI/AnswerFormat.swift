import Foundation
import HTTPServer

/// The media types in which messages can be had.
enum AnswerFormat: String, CaseIterable {
    case json = "application/json"
    case lines = "application/x-ndjson"
    case csv = "text/csv"

    /// What the request's Accept fields like best, the first of several (RFC 9110, 12.5.1).
    ///
    /// - Throws: `RequestError.notAcceptable` where they allow none.
    init(_ request: HTTPRequest) throws(RequestError) {
        let ranges = request.headers.values("Accept").joined(separator: ",")
            .split(separator: ",")
        guard !ranges.isEmpty else {
            self = .json
            return
        }
        var best: (format: AnswerFormat, quality: Double)?
        for range in ranges {
            let parts = range.lowercased().split(separator: ";").map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            let quality = parts.dropFirst().first { $0.hasPrefix("q=") }
                .map { Double($0.dropFirst(2)) ?? 0 }
            guard let format = parts.first.flatMap(Self.format), quality ?? 1 > best?.quality ?? 0
            else { continue }
            best = (format, quality ?? 1)
        }
        guard let best else {
            throw .notAcceptable(offered: [Self.json.rawValue, Self.lines.rawValue])
        }
        self = best.format
    }

    private static func format(_ range: String) -> AnswerFormat? {
        ["*/*", "application/*"].contains(range) ? .json : AnswerFormat(rawValue: range)
    }
}
