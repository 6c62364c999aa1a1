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

    private struct File {
        let handle: FileHandle
        let isArray: Bool
        var records = 0
        var bytes = 0
        var digest = StreamedDigest()

        mutating func write(_ bytes: [UInt8]) throws {
            try handle.write(contentsOf: bytes)
            digest.add(bytes)
            self.bytes += bytes.count
        }
    }

    private let folder: URL
    private let wasThere: Bool
    private var open: [String: File] = [:]
    private var entries: [Entry] = []
    private var names: [String] = []

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
        for value in values {
            let bytes = try Console.encoded(value)
            try file.write(Array((file.records == 0 ? "[\n" : ",\n").utf8) + bytes)
            file.records += 1
        }
        open[name] = file
    }

    /// Adds records to a table that begins with the names of its columns.
    func add(_ rows: [[String]], columns: [String], to name: String) throws {
        var file = try file(name, isArray: false)
        if file.bytes == 0 { try file.write(CSVRecord.line(columns)) }
        for row in rows { try file.write(CSVRecord.line(row, forSpreadsheets: true)) }
        file.records += rows.count
        open[name] = file
    }

    private func file(_ name: String, isArray: Bool) throws -> File {
        if let file = open[name] { return file }
        let path = folder.appendingPathComponent(name).path
        guard
            FileManager.default.createFile(
                atPath: path, contents: nil, attributes: [.posixPermissions: 0o600]),
            let handle = FileHandle(forWritingAtPath: path)
        else { throw CommandFailure(.failed, "\(name) cannot be written") }
        names.append(name)
        return File(handle: handle, isArray: isArray)
    }

    /// Ends a file: nothing more comes to it.
    func close(_ name: String) throws {
        guard var file = open.removeValue(forKey: name) else { return }
        if file.isArray { try file.write(Array((file.records == 0 ? "[]\n" : "\n]\n").utf8)) }
        try file.handle.synchronize()
        try file.handle.close()
        entries.append(
            Entry(
                name: name, records: file.records, bytes: file.bytes,
                sha256: Hex.encode(file.digest.digest())))
    }

    /// Ends every file and writes the manifest: from then on the export counts.
    /// - Returns: The files.
    func finish(_ manifest: ([Entry]) throws -> Data) throws -> [Entry] {
        for name in names { try close(name) }
        let path = folder.appendingPathComponent("manifest.json").path
        guard
            FileManager.default.createFile(
                atPath: path, contents: try manifest(entries),
                attributes: [.posixPermissions: 0o600])
        else { throw CommandFailure(.failed, "manifest.json cannot be written") }
        return entries
    }

    /// Removes what was written: it is not whole, or not to be kept any more.
    func abandon() {
        for (_, file) in open { try? file.handle.close() }
        for name in names {
            try? FileManager.default.removeItem(at: folder.appendingPathComponent(name))
        }
        if !wasThere { try? FileManager.default.removeItem(at: folder) }
    }
}
