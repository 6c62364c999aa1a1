import Testing

/// Waits until a condition holds; a time limit of the test ends the wait.
func eventually(
    within limit: Duration = .seconds(60), _ what: Comment,
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while !(try await condition()) {
        try #require(ContinuousClock.now < deadline, what)
        try await Task.sleep(for: .milliseconds(5))
    }
}
