import Foundation
import Synchronization

/// Tells what happens in numbered lines, and holds what is told against what is.
final class DemoTeller: Sendable {
    /// What the demo waits for takes a second or two; a busy machine needs more.
    static let patience: Duration = .seconds(30)

    private let say: @Sendable (String) throws -> Void
    private let count = Mutex(0)

    init(_ say: @escaping @Sendable (String) throws -> Void) { self.say = say }

    /// - Parameter details: Lines that belong to the numbered one.
    func tell(_ text: String, _ details: [String] = []) throws {
        let number = count.withLock { count in
            count += 1
            return count
        }
        try say("\(number < 10 ? " " : "")\(number). \(text)")
        for detail in details { try say("      \(detail)") }
    }

    /// - Throws: `DemoError` saying `claim` unless it is so.
    func check(_ isSo: Bool, _ claim: @autoclosure () -> String) throws(DemoError) {
        guard isSo else { throw DemoError("not as told: \(claim())") }
    }

    /// Asks until there is an answer.
    /// - Throws: `DemoError` saying what did not happen; what `ask` throws.
    @discardableResult
    func wait<Value>(
        for event: String, within patience: Duration = DemoTeller.patience,
        _ ask: () async throws -> Value?
    ) async throws -> Value {
        let deadline = ContinuousClock.now + patience
        while ContinuousClock.now < deadline {
            if let value = try await ask() { return value }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw DemoError("\(event) did not happen within \(patience)")
    }
}
