/// A path with parameters, such as `/v1/channels/{id}/messages`. A parameter takes exactly one
/// non-empty segment.
struct PathTemplate: Sendable, Hashable {
    enum Segment: Sendable, Hashable {
        case literal(String)
        case parameter(String)
    }

    let text: String
    let segments: [Segment]

    init(_ text: String) {
        self.text = text
        self.segments = text.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
            .map { part in
                part.hasPrefix("{") && part.hasSuffix("}")
                    ? .parameter(String(part.dropFirst().dropLast())) : .literal(String(part))
            }
    }

    /// The parameters of a path that fits; nil for one that does not.
    func match(_ path: [String]) -> PathParameters? {
        guard path.count == segments.count else { return nil }
        var parameters = PathParameters()
        for (segment, part) in zip(segments, path) {
            switch segment {
            case .literal(let text):
                guard text == part else { return nil }
            case .parameter(let name):
                guard !part.isEmpty else { return nil }
                parameters.values[name] = part
            }
        }
        return parameters
    }

    /// The template without the names of its parameters: two of one shape fit the same paths.
    var shape: [Segment] {
        segments.map { segment in
            if case .parameter = segment { .parameter("") } else { segment }
        }
    }

    /// Whether this one comes first where both fit: the one with the earlier literal
    /// (OpenAPI, *Path Templating Matching*).
    func precedes(_ other: PathTemplate) -> Bool {
        for (left, right) in zip(segments, other.segments) {
            switch (left, right) {
            case (.literal, .parameter): return true
            case (.parameter, .literal): return false
            default: continue
            }
        }
        return false
    }
}

/// What stood in a path where its template has `{name}`, decoded.
package struct PathParameters: Sendable, Hashable {
    package var values: [String: String]

    package init(_ values: [String: String] = [:]) { self.values = values }

    package subscript(name: String) -> String? { values[name] }
}
