import Foundation
import HTTPServer
import QueryAPI
import TestSupport

/// The served description, as far as answers can be held against it.
struct OpenAPI: Sendable {
    let root: JSONValue

    static var shared: OpenAPI { get throws { try document.get() } }

    private static let document = Result {
        OpenAPI(root: try JSONDecoder().decode(JSONValue.self, from: Data(OpenAPIDocument.bytes)))
    }

    /// Lines of a stream that are looked at, and bytes of a page: what is longer is written by
    /// the same code as what is shorter.
    private static let linesLookedAt = 20
    private static let bytesLookedAt = 256 << 10

    /// Method and path of every operation.
    var operations: Set<String> {
        var operations: Set<String> = []
        for (path, item) in root["paths"]?.object ?? [:] {
            for name in (item.object ?? [:]).keys where name != "parameters" {
                operations.insert("\(name.uppercased()) \(path)")
            }
        }
        return operations
    }

    func operation(_ method: String, _ path: String) -> JSONValue? {
        root["paths"]?[path]?[method.lowercased()]
    }

    /// Follows `$ref`s; nil where one leads nowhere.
    func resolved(_ value: JSONValue) -> JSONValue? {
        guard let reference = value["$ref"]?.text else { return value }
        guard reference.hasPrefix("#/") else { return nil }
        var target: JSONValue? = root
        for name in reference.dropFirst(2).split(separator: "/") { target = target?[String(name)] }
        return target.flatMap(resolved)
    }

    /// How an answer differs from what is described.
    func faults(_ answer: Answer, of method: String, _ path: String) -> [String] {
        guard let responses = operation(method, path)?["responses"] else {
            return ["is not described"]
        }
        guard let response = responses["\(answer.status)"].flatMap(resolved) else {
            return ["status \(answer.status) is not described"]
        }
        if response["content"] == nil {
            return answer.body.isEmpty ? [] : ["status \(answer.status) has a body"]
        }
        let type = answer.headers["Content-Type"].map { String($0.prefix { $0 != ";" }) } ?? ""
        guard let schema = response["content"]?[type]?["schema"] else {
            return ["status \(answer.status) as \(type) is not described"]
        }
        let missing = (response["headers"]?.object ?? [:]).keys.filter { answer.headers[$0] == nil }
        var faults = missing.map { "header \($0) is missing" }
        if answer.headers["Content-Encoding"] != nil { return faults }
        switch type {
        case "application/json", "application/problem+json":
            guard answer.body.count <= Self.bytesLookedAt else { break }
            faults += self.faults(answer.json, schema, at: "body")
        case "application/x-ndjson":
            let lines = answer.body.split(separator: UInt8(ascii: "\n"))
            for line in lines.prefix(Self.linesLookedAt) {
                let value = try? JSONDecoder().decode(JSONValue.self, from: Data(line))
                faults += self.faults(value ?? .null, schema, at: "line")
            }
        default: break
        }
        return faults
    }

    /// How a value differs from a schema.
    func faults(of value: JSONValue, in schema: JSONValue) -> [String] {
        faults(value, schema, at: "value")
    }

    private func faults(_ value: JSONValue, _ schema: JSONValue, at place: String) -> [String] {
        guard let schema = resolved(schema) else { return ["\(place): a reference leads nowhere"] }
        var faults: [String] = []
        if let names = schema["enum"]?.array, !names.contains(value) {
            faults.append("\(place) is none of the values described")
        }
        switch (schema["type"]?.text, value) {
        case ("object", .object(let fields)):
            faults += objectFaults(fields, schema, at: place)
        case ("array", .array(let items)):
            for item in items {
                faults += self.faults(item, schema["items"] ?? .null, at: place + "[]")
            }
        case ("string", .text(let text)):
            if let pattern = schema["pattern"]?.text,
                text.range(of: pattern, options: .regularExpression) == nil
            {
                faults.append("\(place) does not match its pattern")
            }
            if schema["format"]?.text == "date-time", Timestamp(text: text) == nil {
                faults.append("\(place) is no time")
            }
        case ("integer", .number(let number)):
            if number != number.rounded() { faults.append("\(place) is no integer") }
            if let least = schema["minimum"]?.number, number < least {
                faults.append("\(place) is too small")
            }
        case ("boolean", .bool), ("number", .number), (nil, _): break
        default: faults.append("\(place) has another type")
        }
        return faults
    }

    private func objectFaults(
        _ fields: [String: JSONValue], _ schema: JSONValue, at place: String
    ) -> [String] {
        let properties = schema["properties"]?.object ?? [:]
        var faults: [String] = []
        for name in (schema["required"]?.array ?? []).compactMap(\.text) where fields[name] == nil {
            faults.append("\(place).\(name) is missing")
        }
        for (name, value) in fields {
            if let property = properties[name] {
                faults += self.faults(value, property, at: "\(place).\(name)")
            } else if schema["additionalProperties"]?.bool == false {
                faults.append("\(place).\(name) is not described")
            } else if let additional = schema["additionalProperties"] {
                faults += self.faults(value, additional, at: "\(place).\(name)")
            }
        }
        if let choices = schema["oneOf"]?.array {
            let fitting = choices.filter { choice in
                (choice["required"]?.array ?? []).compactMap(\.text).allSatisfy {
                    fields[$0] != nil
                }
            }
            if fitting.count != 1 { faults.append("\(place) fits \(fitting.count) of oneOf") }
        }
        return faults
    }
}
