import PermanodeSchema
import Postgres

/// This program's schema and the database's.
package enum Schema {
    /// The version this program works with.
    package static var version: Int { PermanodeSchema.migrations.last?.version ?? 0 }

    /// Applies what is missing.
    ///
    /// - Returns: The versions that were applied now.
    /// - Throws: `AssemblyError.schemaNewer`, or why a file could not be applied.
    @discardableResult
    package static func migrate(on pool: PostgresPool) async throws -> [Int] {
        let found = try await Migrations.current(on: pool)
        guard found <= version else {
            throw AssemblyError.schemaNewer(found: found, known: version)
        }
        return try await Migrations.apply(files: PermanodeSchema.migrations, on: pool)
    }

    /// - Throws: `AssemblyError` unless the database has exactly this program's schema.
    package static func check(on pool: PostgresPool) async throws {
        let found = try await Migrations.current(on: pool)
        if found == 0 { throw AssemblyError.noSchema }
        if found < version { throw AssemblyError.schemaOutdated(found: found, needed: version) }
        if found > version { throw AssemblyError.schemaNewer(found: found, known: version) }
    }
}
