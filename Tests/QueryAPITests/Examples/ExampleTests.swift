import Foundation
import QueryAPI
import TestSupport
import Testing

/// The examples in the OpenAPI document are what the service gives.
@Suite struct ExampleTests {
    /// Where `Ops/examples` wants what was given.
    private static let output = ProcessInfo.processInfo.environment["PERMANODE_EXAMPLES_OUT"]

    /// The description itself, and files of the page.
    private static let without: Set = ["GET /openapi.json", "GET /assets/{version}/{name}"]

    @Test func everyExampleIsWhatIsAnswered() async throws {
        let record = try await ExampleScene.run()
        if let output = Self.output {
            let values = Dictionary(
                uniqueKeysWithValues: record.values.map { ($0.key.description, $0.value) })
            try JSONEncoder().encode(values).write(to: URL(fileURLWithPath: output))
            return
        }
        let document = try OpenAPI.shared
        let places = Self.places(document)
        #expect(places.count > 80)
        for place in places {
            guard let example = document.media(place)?["example"], let real = record.values[place]
            else {
                Issue.record("\(place): no example, or none in the story: see Ops/examples")
                continue
            }
            let (told, wanted) = (place.outline(example), place.outline(real))
            #expect(!wanted.isEmpty, "\(place)")
            for part in told.symmetricDifference(wanted).sorted() {
                let fault = told.contains(part) ? "but not in the answer" : "but not in the example"
                Issue.record("\(place): \(part), \(fault): see Ops/examples")
            }
        }
        #expect(document.exampleCount == places.count, "there are examples that nobody compares")
    }

    @Test func everyExampleIsAsItsSchemaSays() throws {
        let document = try OpenAPI.shared
        var values = 0
        for place in Self.places(document) {
            guard let media = document.media(place), let schema = media["schema"] else { continue }
            for value in place.described(media["example"] ?? .null) {
                values += 1
                for fault in document.faults(of: value, in: schema) {
                    Issue.record("\(place): \(fault)")
                }
            }
        }
        #expect(values > 80)
    }

    /// An example that is no longer true is found.
    @Test func whatDiffersIsNamed() throws {
        let place = ExamplePlace.response(operation: "GET /", status: 200, type: "application/json")
        let one = JSONValue.object(["a": .array([.object(["b": .number(1)])]), "c": .text("x")])
        let other = JSONValue.object(["a": .array([.object(["b": .text("1")])])])
        #expect(place.outline(one).symmetricDifference(place.outline(other)).count == 3)
        let more = JSONValue.array([.object(["b": .number(2)]), .object(["b": .number(3)])])
        let same = JSONValue.object(["a": more, "c": .text("y")])
        #expect(place.outline(one) == place.outline(same))
    }

    /// Where an example has to stand: every request, every answer to one that succeeds but pages, and
    /// every problem.
    private static func places(_ document: OpenAPI) -> [ExamplePlace] {
        var places: [ExamplePlace] = []
        for operation in document.operations.sorted() where !without.contains(operation) {
            let parts = operation.split(separator: " ").map(String.init)
            guard let described = document.operation(parts[0], parts[1]) else { continue }
            for type in (described["requestBody"]?["content"]?.object ?? [:]).keys {
                places.append(.request(operation: operation, type: type))
            }
            for (status, response) in described["responses"]?.object ?? [:] {
                guard let status = Int(status), (200..<300).contains(status) else { continue }
                for type in (response["content"]?.object ?? [:]).keys where type != "text/html" {
                    places.append(.response(operation: operation, status: status, type: type))
                }
            }
        }
        for name in (document.root["components"]?["responses"]?.object ?? [:]).keys
        where !name.hasPrefix("Page") {
            places.append(.problem(name: name))
        }
        // What a node's commands refuse, they refuse in words of their own.
        for path in ["/", "/api"] {
            places.append(
                .response(operation: "POST \(path)", status: 400, type: "application/json"))
        }
        places.append(.response(operation: "GET /readyz", status: 503, type: "application/json"))
        return places
    }
}

extension OpenAPI {
    /// The media type object of a place.
    fileprivate func media(_ place: ExamplePlace) -> JSONValue? {
        func content(_ operation: String, _ part: (JSONValue) -> JSONValue?) -> JSONValue? {
            let parts = operation.split(separator: " ").map(String.init)
            return self.operation(parts[0], parts[1]).flatMap(part)?["content"]
        }
        switch place {
        case .request(let operation, let type):
            return content(operation) { $0["requestBody"] }?[type]
        case .response(let operation, let status, let type):
            return content(operation) { $0["responses"]?["\(status)"] }?[type]
        case .problem(let name):
            return root["components"]?["responses"]?[name]?["content"]?[place.type]
        }
    }

    /// Examples of media types, however many.
    fileprivate var exampleCount: Int { Self.exampleCount(in: root, isMedia: false) }

    private static func exampleCount(in value: JSONValue, isMedia: Bool) -> Int {
        if isMedia, value["example"] != nil { return 1 }
        let members = (value.object ?? [:]).map { name, value in
            let types = name == "content" ? (value.object ?? [:]).values.map { $0 } : [value]
            return types.map { exampleCount(in: $0, isMedia: name == "content") }.reduce(0, +)
        }
        let items = (value.array ?? []).map { exampleCount(in: $0, isMedia: false) }
        return members.reduce(0, +) + items.reduce(0, +)
    }
}
