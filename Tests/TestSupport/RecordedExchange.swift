/// A request that a published client sent to a recording node, and what came back
/// (`client-requests.json`).
package struct RecordedExchange: Decodable, Sendable {
    package let client: String
    package let method: String
    package let path: String
    package let headers: [String: String]
    package let body: JSONValue
    package let status: Int
    package let answer: JSONValue

    /// - Throws: what reading the vectors throws.
    package static func all() throws -> [RecordedExchange] {
        try Fixture.json("client-requests.json", as: [RecordedExchange].self)
    }
}
