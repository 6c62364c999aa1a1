import Foundation
import TestSupport

/// What a run of the story gave, by where in the description it stands as an example.
struct ExampleRecord {
    /// JSON as it is, everything else as a text.
    private(set) var values: [ExamplePlace: JSONValue] = [:]

    /// The first of a place counts.
    mutating func keep(_ value: JSONValue, at place: ExamplePlace) {
        if values[place] == nil { values[place] = value }
    }
}

/// A place for an example.
enum ExamplePlace: Hashable, CustomStringConvertible {
    case request(operation: String, type: String)
    case response(operation: String, status: Int, type: String)
    /// One that several operations share.
    case problem(name: String)

    /// As in the file that `Ops/examples` puts into the description.
    var description: String {
        switch self {
        case .request(let operation, let type): "\(operation) request \(type)"
        case .response(let operation, let status, let type): "\(operation) \(status) \(type)"
        case .problem(let name): "problem \(name)"
        }
    }

    var type: String {
        switch self {
        case .request(_, let type), .response(_, _, let type): type
        case .problem: "application/problem+json"
        }
    }

    /// The values in what stands at this place that its schema describes: itself, or a line each.
    func described(_ value: JSONValue) -> [JSONValue] {
        switch type {
        case "application/json", "application/problem+json", "application/x-www-form-urlencoded":
            [value]
        case "application/x-ndjson": Self.lines(value).map(Self.json)
        default: []
        }
    }

    /// What an example must share with what is answered: which parts there are, and of what kind.
    /// Ids, cursors, signatures and times are others in each run, and how many of something there
    /// are may change.
    func outline(_ value: JSONValue) -> Set<String> {
        switch type {
        case "application/x-ndjson":
            return Set(Self.lines(value).flatMap { Self.outline(Self.json($0), at: "line") })
        case "text/csv": return Set(Self.lines(value).prefix(1))
        case "application/atom+xml":
            return Set((value.text ?? "").matches(of: /<[A-Za-z:]+/).map { String($0.output) })
        case "text/event-stream":
            return Set(
                Self.lines(value).flatMap { line -> Set<String> in
                    let parts = line.split(separator: ": ", maxSplits: 1).map(String.init)
                    return parts.first == "data"
                        ? Self.outline(Self.json(parts[1]), at: "data") : Set(parts.prefix(1))
                })
        case "text/plain" where value.text?.contains("# TYPE") == true:
            return Set(Self.lines(value).filter { $0.hasPrefix("# TYPE") })
        case "text/plain": return [value.text ?? ""]
        default: return Self.outline(value, at: "value")
        }
    }

    private static func lines(_ value: JSONValue) -> [String] {
        (value.text ?? "").split(whereSeparator: \.isNewline).map(String.init)
    }

    private static func json(_ line: String) -> JSONValue {
        (try? JSONDecoder().decode(JSONValue.self, from: Data(line.utf8))) ?? .text("no JSON")
    }

    private static func outline(_ value: JSONValue, at place: String) -> Set<String> {
        switch value {
        case .null: ["\(place) is null"]
        case .bool: ["\(place) is a boolean"]
        case .number: ["\(place) is a number"]
        case .text: ["\(place) is a text"]
        case .array(let items):
            Set(items.flatMap { outline($0, at: "\(place)[]") }).union(["\(place) is an array"])
        case .object(let fields):
            Set(fields.flatMap { outline($1, at: "\(place).\($0)") })
                .union(["\(place) is an object"])
        }
    }
}
