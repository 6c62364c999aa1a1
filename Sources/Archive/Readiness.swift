import PermanodeSchema
import Postgres

extension Archive {
    /// Whether the database can be reached and has this program's schema.
    ///
    /// - Throws: `ArchiveError.schemaVersion`, or why the database cannot be reached.
    package func checkDatabase() async throws {
        let expected = PermanodeSchema.migrations.map(\.version).max() ?? 0
        let found = try await Migrations.current(on: pool)
        guard found == expected else {
            throw ArchiveError.schemaVersion(found: found, expected: expected)
        }
    }
}
