import Foundation
import HTTPServer
import QueryAPI
import TestSupport
import Testing

/// The OpenAPI document. That it is true of what is answered is checked with every answer of
/// the other suites (`TestAPI.call`).
@Suite struct DescriptionTests {
    @Test func theDocumentHasExactlyTheRoutes() async throws {
        try await TestAPI.with { api in
            let routes = Set(api.api.router.routes.map { "\($0.method) \($0.template)" })
            #expect(!routes.isEmpty)
            let document = try OpenAPI.shared
            #expect(document.operations == routes)
        }
    }

    @Test func everyReferenceLeadsSomewhereAndEveryOperationHasItsName() throws {
        let document = try OpenAPI.shared
        #expect(document.root["openapi"]?.text == "3.1.0")
        var references = 0
        func walk(_ value: JSONValue) {
            if value["$ref"] != nil {
                references += 1
                #expect(document.resolved(value) != nil)
            }
            value.object?.values.forEach(walk)
            value.array?.forEach(walk)
        }
        walk(document.root)
        #expect(references > 0)
        var names: Set<String> = []
        for operation in document.operations {
            let parts = operation.split(separator: " ").map(String.init)
            let name = document.operation(parts[0], parts[1])?["operationId"]?.text
            #expect(name.map { names.insert($0).inserted } == true, "\(operation)")
        }
    }

    @Test func everyPathParameterIsDescribed() throws {
        let document = try OpenAPI.shared
        for (path, item) in document.root["paths"]?.object ?? [:] {
            let wanted = path.split(separator: "/").filter { $0.hasPrefix("{") }
                .map { String($0.dropFirst().dropLast()) }
            let described = (item["parameters"]?.array ?? []).compactMap(document.resolved)
                .compactMap { $0["name"]?.text }
            #expect(Set(wanted) == Set(described), "\(path)")
        }
    }

    @Test func itIsServedAsItIs() async throws {
        try await TestAPI.with { api in
            let answer = try await api.get("/openapi.json", token: .none)
            #expect(answer.status == 200)
            #expect(answer.body == OpenAPIDocument.bytes)
        }
    }
}
