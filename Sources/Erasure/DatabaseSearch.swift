import Foundation
import Postgres
import Vault

/// Looks for byte sequences in the files of the database, where this process may read them:
/// on the server's machine, as a user who may. Where it may not, it says so.
struct DatabaseSearch {
    struct Outcome: Sendable {
        var dataFiles: Receipt.Search
        var writeAheadLog: Receipt.Search
    }

    let pool: PostgresPool
    let tables: [String]
    let limit: Int64

    /// What was found of each sample.
    func outcomes(of samples: [ChannelNumber: Sample]) async throws -> [ChannelNumber: Outcome] {
        let found = try await places()
        guard case .success(let places) = found else {
            return samples.mapValues { Self.notLooked($0, found) }
        }
        let sequences = samples.values.flatMap(\.sequences)
        let data = await look(for: sequences, in: places.dataFiles)
        let log = await look(for: sequences, in: places.writeAheadLog)
        var outcomes: [ChannelNumber: Outcome] = [:]
        for (request, sample) in samples {
            var inData = data.outcome(of: sample)
            if !places.isOnDisk, inData.state != .notLookedAt {
                inData.why = [inData.why, "the server may hold newer pages in memory"]
                    .compactMap { $0 }.joined(separator: "; ")
            }
            outcomes[request] = Outcome(
                dataFiles: inData, writeAheadLog: log.outcome(of: sample))
        }
        return outcomes
    }

    private static func notLooked(_ sample: Sample, _ places: Result<Places, Reason>) -> Outcome {
        guard case .failure(let reason) = places else {
            return Outcome(dataFiles: .pending, writeAheadLog: .pending)
        }
        let search = Receipt.Search(
            state: .notLookedAt, why: reason.text, sought: sample.sequences.count)
        return Outcome(dataFiles: search, writeAheadLog: search)
    }

    // MARK: Where

    private struct Places {
        var dataFiles: [String]
        var writeAheadLog: [String]
        /// A checkpoint brought every page to disk.
        var isOnDisk: Bool
    }

    private struct Reason: Error {
        let text: String
    }

    private func places() async throws -> Result<Places, Reason> {
        guard let directory = try await directory() else {
            return .failure(
                Reason(text: "the database does not tell this user where its files are"))
        }
        guard FileManager.default.isReadableFile(atPath: directory + "/PG_VERSION") else {
            return .failure(Reason(text: "the database's files cannot be read from here"))
        }
        let isOnDisk = try await checkpoint()
        let paths = try await paths()
        return .success(
            Places(
                dataFiles: paths.flatMap { Self.segments(of: "\(directory)/\($0)") },
                writeAheadLog: Self.files(in: directory + "/pg_wal"), isOnDisk: isOnDisk))
    }

    /// Nil where this user may not know.
    private func directory() async throws -> String? {
        do {
            let rows = try await pool.withConnection {
                try await $0.query("select current_setting('data_directory') as path")
            }
            return try rows.first?.text("path")
        } catch let error as PostgresError where error.kind == .statement {
            return nil
        }
    }

    /// Brings every page to disk; false where this user may not.
    private func checkpoint() async throws -> Bool {
        do {
            try await pool.withConnection { try await $0.script("checkpoint") }
            return true
        } catch let error as PostgresError where error.kind == .statement {
            return false
        }
    }

    /// Of the tables, their long values and their indexes, within the data directory.
    private func paths() async throws -> [String] {
        let rows = try await pool.withConnection { connection in
            let leaves = try await connection.leaves(of: tables)
            return try await connection.query(
                """
                with tables as (
                    select t::regclass::oid as oid from unnest($1::text[]) t),
                stored as (
                    select oid from tables
                    union select reltoastrelid from pg_class join tables using (oid)
                    where reltoastrelid <> 0)
                select pg_relation_filepath(oid) as path from stored
                union select pg_relation_filepath(indexrelid) from pg_index
                    join stored on stored.oid = indrelid
                """, [.textArray(leaves)])
        }
        return try rows.compactMap { try $0.optionalText("path") }
    }

    /// A relation's file and those it goes on in, a gigabyte each.
    private static func segments(of path: String) -> [String] {
        var paths = [path]
        while FileManager.default.fileExists(atPath: "\(path).\(paths.count)") {
            paths.append("\(path).\(paths.count)")
        }
        return paths
    }

    private static func files(in folder: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        // Segments have names of 24 hexadecimal digits.
        return names.filter { $0.utf8.count == 24 }.sorted().map { "\(folder)/\($0)" }
    }

    // MARK: Looking

    /// Of a core: readers need theirs, and nobody waits for the search.
    private static let share = 0.25

    private struct Looked {
        var search: FileSearch
        var unreadable = 0
        var isPartial = false

        func outcome(of sample: Sample) -> Receipt.Search {
            let sought = Set(sample.sequences)
            var outcome = Receipt.Search(
                state: isPartial ? .partly : .looked,
                why: isPartial ? "there is more than the bound allows" : nil, bytes: search.bytes,
                sought: sought.count, found: sought.intersection(search.found).count)
            if search.bytes == 0, unreadable > 0 {
                outcome = Receipt.Search(
                    state: .notLookedAt, why: "the files cannot be read from here",
                    sought: sought.count)
            } else if unreadable > 0 {
                outcome.state = .partly
                outcome.why = "\(unreadable) files could not be read"
            }
            return outcome
        }
    }

    private func look(for sequences: [[UInt8]], in paths: [String]) async -> Looked {
        var looked = Looked(search: FileSearch(sequences, share: Self.share))
        for path in paths {
            let left = limit - looked.search.bytes
            guard left > 0 else {
                looked.isPartial = true
                break
            }
            if await !looked.search.look(into: path, limit: left) { looked.unreadable += 1 }
        }
        return looked
    }
}
