import Foundation
import Vault

/// A folder of its own with a new key ring in it, removed when the test lets go of it.
final class TemporaryRing: Sendable {
    let folder: URL
    let file: KeyRingFile

    init() throws {
        folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("vault-tests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        file = KeyRingFile(path: folder.appendingPathComponent("keyring").path)
        try file.create()
    }

    deinit {
        try? FileManager.default.removeItem(at: folder)
    }

    var path: String { file.path }

    /// The files in the folder.
    var names: Set<String> {
        Set((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [])
    }

    func contents(of path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    }

    /// Writes a file, mode 0600, in place of whatever is there.
    func write(_ bytes: [UInt8], to path: String) throws {
        unlink(path)
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
        defer { close(descriptor) }
        guard descriptor >= 0, Foundation.write(descriptor, bytes, bytes.count) == bytes.count
        else { throw CocoaError(.fileWriteUnknown) }
    }
}
