import Foundation

/// Files of `Tests/Vectors`.
package enum Fixture {
    package static func data(_ name: String) throws -> Data {
        let folder = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Vectors")
        return try Data(contentsOf: folder.appendingPathComponent(name))
    }

    package static func json<Value: Decodable>(_ name: String, as type: Value.Type) throws -> Value
    {
        try JSONDecoder().decode(type, from: data(name))
    }
}
