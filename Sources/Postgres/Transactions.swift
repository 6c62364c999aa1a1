extension PostgresConnection {
    /// Runs `body` in a transaction: committed when it returns, rolled back when it throws or
    /// its task is cancelled.
    /// - Parameters:
    ///   - isolation: nil for the server's default.
    ///   - statementTimeout: for this transaction instead of the configured one; `.zero`: none.
    /// - Throws: `.commitUnknown` when the connection was lost during COMMIT;
    ///   `.transactionAborted` when `body` swallowed a statement's error; what `body` throws.
    @discardableResult
    package nonisolated(nonsending) func withTransaction<Value>(
        readOnly: Bool = false, isolation: TransactionIsolation? = nil,
        statementTimeout: Duration? = nil,
        _ body: nonisolated(nonsending) (PostgresConnection) async throws -> Value
    ) async throws -> Value {
        do {
            try await begin(
                TransactionMode(readOnly: readOnly, isolation: isolation),
                statementTimeout: statementTimeout)
            let value = try await body(self)
            guard !Task.isCancelled else {
                throw PostgresError(.cancelled, operation: "commit")
            }
            try await commit(readOnly: readOnly)
            return value
        } catch {
            await rollback()
            throw error
        }
    }
}
