import Postgres

extension Archive {
    /// Runs a transaction that does no harm when it is run again: that its commit's outcome is
    /// not known is then no more than a reason to do so.
    ///
    /// - Throws: `ArchiveError.interrupted`, or as `PostgresPool.withTransaction`.
    func repeatableTransaction<Value: Sendable>(
        _ body: nonisolated(nonsending) (PostgresConnection) async throws -> Value
    ) async throws -> Value {
        do {
            return try await pool.withTransaction { try await body($0) }
        } catch let error as PostgresError where error.kind == .commitUnknown {
            throw ArchiveError.interrupted
        }
    }
}
