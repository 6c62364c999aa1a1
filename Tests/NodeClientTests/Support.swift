import Foundation
import NodeClient
import Tangle
import Ternary
import TestSupport
import Testing

/// Transactions of the recorded Tangle with their hashes as text.
enum Recorded {
    struct Entry: Decodable {
        let hash: String
        let trytes: String
    }

    static func entries(_ count: Int) throws -> [Entry] {
        let lines = try Fixture.data("tangle.ndjson").split(separator: UInt8(ascii: "\n"))
        let entries = try lines.prefix(count).map {
            try JSONDecoder().decode(Entry.self, from: Data($0))
        }
        try #require(entries.count == count)
        return entries
    }
}

/// A hash that tells its number.
func numberedHash(_ number: Int, in series: Character = "A") -> Hash {
    var text = String(series)
    var rest = number
    while rest > 0 {
        text.append(Character(UnicodeScalar(UInt8(ascii: "A") + UInt8(rest % 26))))
        rest /= 26
    }
    text += String(repeating: "9", count: Hash.tryteCount - text.count)
    return (try? Hash(text)) ?? .null
}

func quoted(_ texts: some Sequence<String>) -> String {
    "[" + texts.map { "\"\($0)\"" }.joined(separator: ",") + "]"
}

/// Limits short enough for tests; only the ones a test is about are ever reached.
func quickConfiguration() -> NodeClientConfiguration {
    var configuration = NodeClientConfiguration()
    configuration.connectTimeout = .seconds(10)
    configuration.deadline = .seconds(20)
    configuration.stallTime = .seconds(10)
    return configuration
}

func client(
    _ server: TestServer, _ change: (inout NodeClientConfiguration) -> Void = { _ in }
) throws -> NodeClient {
    var configuration = quickConfiguration()
    change(&configuration)
    return NodeClient(endpoint: try NodeEndpoint(server.url), configuration: configuration)
}

/// The kind of `NodeError` that `operation` throws; nil where it throws something else or nothing.
func failure<Value>(_ operation: () async throws -> Value) async -> NodeError.Kind? {
    do {
        _ = try await operation()
        return nil
    } catch {
        return (error as? NodeError)?.kind
    }
}

/// Waits for a condition, half a minute at most.
func eventually(_ condition: () -> Bool) async throws -> Bool {
    for _ in 0..<6000 {
        if condition() { return true }
        try await Task.sleep(for: .milliseconds(5))
    }
    return condition()
}
