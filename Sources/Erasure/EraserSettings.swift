/// What an operator says about erasing.
package struct EraserSettings: Sendable {
    /// After how many days backups of the database are gone; nil where nobody said.
    package var backupExpiryDays: Int?
    /// After how many days a copy of the key ring that was not punctured is gone; nil where nobody
    /// said.
    package var ringCopyExpiryDays: Int?
    /// How long deleted rows wait for a vacuum at most, so that one serves many forgets.
    package var vacuumInterval: Duration = .seconds(600)
    /// Bytes of the database's files that are searched after a forget.
    package var searchLimit: Int64 = 4 << 30
    /// Called at every point at which a forget may be cut off; throws there in tests.
    package var faultPoint: @Sendable (FaultPoint) async throws -> Void = { _ in }

    package init() {}

    /// Between any two of these something is durable that was not before.
    package enum FaultPoint: Sendable, CaseIterable, Hashable {
        case begun, buryingBatch, buried, beforeShredding, shredded, markedShredded
        case deletingBatch, rowsDeleted, markedDeleted, reasonShredded, concluded
        case vacuumed, searched, completed
    }
}
