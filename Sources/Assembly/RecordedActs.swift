import Archive
import Diagnostics
import Erasure
import Failures
import Foundation
import Postgres
import Vault

extension Instance {
    /// Records an act on the key ring, which is a file of its own: it is done whether the database
    /// is there or not, because a ring has to be saved and restored without it, too.
    ///
    /// - Parameter vault: Of the ring after the act.
    /// - Returns: Why it could not be recorded; nil where it was.
    package static func record(
        _ kind: AuditKind, _ details: [String: String], _ configuration: Configuration,
        vault: Vault
    ) async -> String? {
        guard configuration.database != nil else { return "PERMANODE_DATABASE_URL is not set" }
        do {
            try await withPool(configuration) { pool in
                try await Schema.check(on: pool)
                let own = vault.ringIdentifier
                let found = try await pool.withConnection { try await $0.ringOfForgetLog() }
                if let found, found != own {
                    throw ErasureError.otherRing(database: found, own: own)
                }
                let archive = Archive(pool: pool, vault: vault)
                try await archive.recordAct(kind, details, now: Date())
                try await close(archive)
            }
            return nil
        } catch {
            return (error as? any Failure)?.operatorText ?? "it failed"
        }
    }
}

extension ReconciliationReport {
    private var counts: [(name: StaticString, count: Int)] {
        [
            ("keys-destroyed", keysDestroyed), ("tombstones-logged", tombstonesLogged),
            ("tombstones-added", tombstonesAdded), ("lifts-logged", liftsLogged),
            ("tombstones-lifted", tombstonesLifted), ("parts-logged", partsLogged),
            ("parts-added", partsAdded), ("channels-forgotten", channelsForgotten),
            ("subjects-forgotten", subjectsForgotten),
            ("requests-refused", requestsRefused),
            ("rows-deleted", rowsDeleted.values.reduce(0, +)),
        ]
    }

    var fields: LogFields {
        var fields: LogFields = ["log-was-older": .bool(logWasOlder)]
        for (name, count) in counts { fields = fields.merging([name: .int(Int64(count))]) }
        return fields
    }

    /// For the audit log: what was not as it should be.
    var details: [String: String] {
        var details = ["log-was-older": logWasOlder ? "yes" : "no"]
        for (name, count) in counts where count > 0 { details[name.description] = String(count) }
        return details
    }
}
