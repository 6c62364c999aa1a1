import Archive
import Erasure
import Failures
import Foundation
import Postgres
import Vault

/// The database: reachable, this program's, this ring's, and with a clock like this one's.
struct DatabaseExamination {
    /// Beyond, key periods and leases of several machines disagree.
    private static let clockLimit: TimeInterval = 2

    private let configuration: Configuration
    private let vault: Vault?
    private let clock: @Sendable () -> Date

    init(_ configuration: Configuration, _ vault: Vault?, clock: @escaping @Sendable () -> Date) {
        (self.configuration, self.vault, self.clock) = (configuration, vault, clock)
    }

    func findings() async -> [Finding] {
        do {
            return try await Instance.withPool(configuration) { pool in
                var findings = try await server(pool)
                do { try await Schema.check(on: pool) } catch {
                    findings.append(Self.failing("schema", error, Self.schemaAdvice(error)))
                    return findings
                }
                findings.append(.well("schema", "is version \(Schema.version)"))
                findings.append(try await reserve(pool))
                findings += try await archive(pool)
                return findings
            }
        } catch {
            return [
                Self.failing(
                    "database", error,
                    "look whether PostgreSQL runs and PERMANODE_DATABASE_URL names it; psql takes the same URL"
                )
            ]
        }
    }

    private static func failing(_ check: String, _ error: any Error, _ advice: String) -> Finding {
        let why = (error as? any Failure)?.operatorText ?? "it cannot be used"
        return .failing(check, why, advice)
    }

    private static func schemaAdvice(_ error: any Error) -> String {
        switch error {
        case AssemblyError.noSchema: "permanode init makes an archive"
        case AssemblyError.schemaOutdated: "permanode migrate"
        default: "use the program that belongs to it"
        }
    }

    private func server(_ pool: PostgresPool) async throws -> [Finding] {
        let rows = try await pool.withConnection {
            try await $0.query(
                """
                select current_setting('server_version') as version,
                    current_setting('synchronous_commit') as commit,
                    pg_is_in_recovery() as is_copy, clock_timestamp() as now
                """)
        }
        guard let row = rows.first else { return [] }
        var findings = [Finding.well("database", "PostgreSQL \(try row.text("version"))")]
        if try row.bool("is_copy") {
            findings.append(
                .failing(
                    "database's role", "it is a copy that follows another",
                    "set PERMANODE_DATABASE_URL to the one that takes writes"))
        }
        if try row.text("commit") == "off" {
            findings.append(
                .warning(
                    "durability", "synchronous_commit is off: what was committed can be lost",
                    "set it to on, for this database at least"))
        }
        let skew = clock().timeIntervalSince(try row.timestamp("now"))
        findings.append(
            abs(skew) <= Self.clockLimit
                ? .well("clock", "agrees with the database's")
                : .failing(
                    "clock", "is \(Int(skew.rounded())) s off the database's",
                    "have both follow NTP: leases and key periods go by them"))
        return findings
    }

    /// What a server's disk has left it does not tell; whether what is kept on it is there, it does.
    private func reserve(_ pool: PostgresPool) async throws -> Finding {
        let rows = try await pool.withConnection {
            try await $0.query("select pg_relation_size('disk_reserve') as size")
        }
        let kept = try rows.first?.int64("size") ?? 0
        let text =
            "\(kept >> 20) of \(configuration.diskReserve >> 20) MiB are kept free for forgetting"
        return kept >= Int64(configuration.diskReserve)
            ? .well("database's disk", text)
            : .warning(
                "database's disk", text,
                "a crawler that runs keeps it free; if one does, the disk is full: make room there")
    }

    private func archive(_ pool: PostgresPool) async throws -> [Finding] {
        guard let vault else {
            return [.skipped("forget log", because: "the key ring does not open")]
        }
        let archive = Archive(pool: pool, vault: vault)
        return [try await forgetLog(pool, vault), try await queue(archive)]
    }

    /// Looks only: what it finds, every other command mends when it starts.
    private func forgetLog(_ pool: PostgresPool, _ vault: Vault) async throws -> Finding {
        let rows = try await pool.withConnection {
            try await $0.query("select known_sequence from forget_log")
        }
        let known = try rows.first.map { try $0.int64("known_sequence") } ?? 0
        let head = Int64(clamping: try vault.logHead().sequence)
        if known == head {
            return .well("forget log", "agrees with the database, at \(head) records")
        }
        return .warning(
            "forget log",
            "has \(head) records, and the database knows \(known): one of them is an older copy",
            "permanode restore-check brings both up to date and says what it found")
    }

    private func queue(_ archive: Archive) async throws -> Finding {
        let late = try await archive.openRequestCounts(now: clock()).late
        return late == 0
            ? .well("requests to forget", "none is late")
            : .failing(
                "requests to forget", "\(late) are beyond the month that they have",
                "permanode requests shows what each waits for")
    }
}
