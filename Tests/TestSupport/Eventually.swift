import Testing

/// Looks again and again until the condition holds.
package func eventually(
    within limit: Duration = .seconds(60), _ what: Comment = "it never came",
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while !(try await condition()) {
        try #require(ContinuousClock.now < deadline, what)
        try await Task.sleep(for: .milliseconds(5))
    }
}
