import Failures
import Postgres

/// The replicas that messages may be read from: reachable, copies of this database, and near it.
struct ReplicaExamination {
    /// Bytes of the log; at some megabytes a second a replica is further behind than is usual.
    private static let lagLimit: Int64 = 16 << 20

    private let configuration: Configuration

    init(_ configuration: Configuration) { self.configuration = configuration }

    func findings() async -> [Finding] {
        guard let primary = configuration.database, !configuration.readDatabases.isEmpty else {
            return []
        }
        guard let written = try? await standing(of: primary) else {
            return [.skipped("replicas", because: "the database does not answer")]
        }
        var findings: [Finding] = []
        for (index, replica) in configuration.readDatabases.enumerated() {
            findings.append(await finding("replica \(index + 1)", replica, written))
        }
        return findings
    }

    private struct Standing {
        let isCopy: Bool
        let system: Int64
        let bytes: Int64
    }

    private func finding(
        _ name: String, _ replica: PostgresConfiguration, _ written: Standing
    ) async -> Finding {
        let standing: Standing
        do { standing = try await self.standing(of: replica) } catch {
            return .warning(
                name, (error as? any Failure)?.operatorText ?? "it cannot be used",
                "reads go to the primary meanwhile: see that it runs and PERMANODE_READ_URLS names it"
            )
        }
        guard standing.isCopy, standing.system == written.system else {
            return .failing(
                name, "it is no copy that follows this database",
                "make it one with pg_basebackup --write-recovery-conf, or take it off the list")
        }
        let lag = max(written.bytes - standing.bytes, 0)
        return lag <= Self.lagLimit
            ? .well(name, "follows the database, \(lag >> 10) KiB behind")
            : .warning(
                name, "is \(lag >> 20) MiB behind: reads go to the primary",
                "look at its log, its disk and the network between the two")
    }

    private func standing(of server: PostgresConfiguration) async throws -> Standing {
        let connection = try await PostgresConnection.connect(server)
        let result: Result<[PostgresRow], any Error>
        do {
            result = .success(
                try await connection.query(
                    """
                    select pg_is_in_recovery() as is_copy, system_identifier as system,
                        coalesce(
                            ((case when pg_is_in_recovery() then pg_last_wal_replay_lsn()
                                else pg_current_wal_insert_lsn() end) - '0/0'::pg_lsn)::bigint,
                            0) as bytes
                    from pg_control_system()
                    """))
        } catch { result = .failure(error) }
        await connection.close()
        let rows = try result.get()
        return Standing(
            isCopy: try rows[0].bool("is_copy"), system: try rows[0].int64("system"),
            bytes: try rows[0].int64("bytes"))
    }
}
