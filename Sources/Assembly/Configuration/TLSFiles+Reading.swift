import Foundation
import HTTPServer

extension Configuration.TLSFiles {
    /// What the files hold now.
    ///
    /// - Throws: `AssemblyError.unreadableTLSFile`.
    func read() throws -> HTTPTLS {
        HTTPTLS(certificate: try Self.bytes(certificate), key: try Self.bytes(key))
    }

    private static func bytes(_ path: String) throws -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw AssemblyError.unreadableTLSFile(path: path)
        }
        return Array(data)
    }
}
