import Failures
import Postgres

/// The database went away during a commit that does no harm when it is repeated.
package struct CommitInterrupted: Failure {
    package var code: String { "archive.commit-interrupted" }
    package var operation: String { "store what was crawled" }
    package var retryable: Bool { true }
    package var publicText: String {
        "the database went away during a commit, which is to be repeated"
    }
}

extension Archive {
    /// Runs a transaction that does no harm when it is run again: that its commit's outcome is
    /// not known is then no more than a reason to do so.
    ///
    /// - Throws: `CommitInterrupted`, or as `PostgresPool.withTransaction`.
    func repeatableTransaction<Value: Sendable>(
        _ body: nonisolated(nonsending) (PostgresConnection) async throws -> Value
    ) async throws -> Value {
        do {
            return try await pool.withTransaction { try await body($0) }
        } catch let error as PostgresError where error.kind == .commitUnknown {
            throw CommitInterrupted()
        }
    }
}
