import Foundation
import QueryAPI
import Secrets

/// The folder an export is written to: files of records, and a manifest that says what they
/// have to be.
///
/// Used by one task. Until `finish`, nothing in it counts; `abandon` removes what was written.
final class ExportFolder {
    /// One file as the manifest tells it.
    struct Entry: Encodable {
        let name: String
        let records: Int
        let bytes: Int
        let sha256: String
    }

    /// Opened for each write: a person may have more channels than a process may have files.
    private struct File {
        let url: URL
        let isArray: Bool
        var records = 0
        var bytes = 0
        var digest = StreamedDigest()

        mutating func append(_ bytes: [UInt8], isLast: Bool = false) throws {
            let handle = try FileHandle(forWritingTo: url)
            defer { try? handle.close() }
            try handle.seekToEnd()
            try handle.write(contentsOf: bytes)
            if isLast { try handle.synchronize() }
            digest.add(bytes)
            self.bytes += bytes.count
        }
    }

    private let folder: URL
    private let wasThere: Bool
    private var open: [String: File] = [:]
    private var entries: [Entry] = []
    private var names: [String] = []

    private static let manifest = "manifest.json"

    /// Takes an empty folder, or makes one that nobody else may look into.
    /// - Throws: `CommandFailure` where there is something in it, or it cannot be written.
    init(_ path: String) throws(CommandFailure) {
        folder = URL(fileURLWithPath: path)
        let found = try? FileManager.default.contentsOfDirectory(atPath: path)
        wasThere = found != nil
        guard found?.isEmpty != false else {
            throw CommandFailure(.refused, "the folder of --to is not empty: name a new one")
        }
        do {
            try FileManager.default.createDirectory(
                at: folder, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
        } catch {
            throw CommandFailure(.failed, "the folder of --to cannot be made")
        }
    }

    /// Adds records to a file of JSON: one array.
    func add(_ values: [some Encodable], to name: String) throws {
        var file = try file(name, isArray: true)
        var bytes: [UInt8] = []
        for value in values {
            bytes += (file.records == 0 ? "[\n" : ",\n").utf8
            bytes += try Console.encoded(value)
            file.records += 1
        }
        try file.append(bytes)
        open[name] = file
    }

    /// Adds records to a table that begins with the names of its columns.
    func add(_ rows: [[String]], columns: [String], to name: String) throws {
        var records = CSVRecords()
        for row in rows { records.add(row) }
        try add(records.bytes, count: rows.count, header: CSVRecords.line(columns), to: name)
    }

    /// Adds so many records of CSV to a table that begins with `header`.
    func add(_ records: [UInt8], count: Int, header: [UInt8], to name: String) throws {
        var file = try file(name, isArray: false)
        try file.append((file.bytes == 0 ? header : []) + records)
        file.records += count
        open[name] = file
    }

    private func file(_ name: String, isArray: Bool) throws -> File {
        if let file = open[name] { return file }
        let url = folder.appendingPathComponent(name)
        guard
            FileManager.default.createFile(
                atPath: url.path, contents: nil, attributes: [.posixPermissions: 0o600])
        else { throw CommandFailure(.failed, "\(name) cannot be written") }
        names.append(name)
        return File(url: url, isArray: isArray)
    }

    /// Ends a file: nothing more comes to it.
    func close(_ name: String) throws {
        guard var file = open.removeValue(forKey: name) else { return }
        let end = file.isArray ? (file.records == 0 ? "[]\n" : "\n]\n") : ""
        try file.append(Array(end.utf8), isLast: true)
        entries.append(
            Entry(
                name: name, records: file.records, bytes: file.bytes,
                sha256: Hex.encode(file.digest.digest())))
    }

    /// Ends every file and writes the manifest: from then on the export counts.
    /// - Returns: The files.
    func finish(_ manifest: ([Entry]) throws -> Data) throws -> [Entry] {
        for name in names { try close(name) }
        let path = folder.appendingPathComponent(Self.manifest).path
        names.append(Self.manifest)
        guard
            FileManager.default.createFile(
                atPath: path, contents: try manifest(entries),
                attributes: [.posixPermissions: 0o600])
        else { throw CommandFailure(.failed, "\(Self.manifest) cannot be written") }
        return entries
    }

    /// Removes what was written: it is not whole, or not to be kept any more.
    /// - Returns: The files that could not be removed.
    func abandon() -> [String] {
        let left = names.filter { name in
            let url = folder.appendingPathComponent(name)
            do { try FileManager.default.removeItem(at: url) } catch {
                return FileManager.default.fileExists(atPath: url.path)
            }
            return false
        }
        // An empty folder tells nothing.
        if !wasThere, left.isEmpty { try? FileManager.default.removeItem(at: folder) }
        return left
    }
}
