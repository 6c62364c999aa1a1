import Foundation

/// Reads a secret from where the operator put it; secrets never travel in arguments.
package enum SecretInput {
    /// Bytes; roots, side keys, tokens and passphrases are far shorter.
    package static let defaultLimit = 4_096

    /// The content of a file, or of standard input where `source` is `-`, without one newline
    /// (LF or CR LF) at its end.
    ///
    /// - Throws: `SecretsError.unreadable`, `tooLong` where more than `limit` bytes are left,
    ///   `empty`.
    package static func read(
        from source: String, limit: Int = defaultLimit
    ) throws(SecretsError) -> SecretBytes {
        let isInput = source == "-"
        let name = isInput ? "standard input" : source
        let descriptor = isInput ? STDIN_FILENO : open(source, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unreadable(path: name, reason: systemText(errno)) }
        defer { if !isInput { close(descriptor) } }

        var count = 0
        let newlineCount = 2
        let content = try SecretBytes(count: limit + newlineCount + 1) {
            memory throws(SecretsError) in
            count = try fill(memory, from: descriptor, name: name)
        }
        return try content.withBytes { bytes throws(SecretsError) in
            var text = bytes.prefix(count)
            if text.last == UInt8(ascii: "\n") {
                text.removeLast()
                if text.last == UInt8(ascii: "\r") { text.removeLast() }
            }
            guard text.count <= limit else { throw .tooLong(path: name, limit: limit) }
            guard !text.isEmpty else { throw .empty(path: name) }
            return SecretBytes(copying: UnsafeRawBufferPointer(rebasing: text))
        }
    }

    /// Reads until the end or until `memory` is full; returns the bytes read.
    private static func fill(
        _ memory: UnsafeMutableRawBufferPointer, from descriptor: Int32, name: String
    ) throws(SecretsError) -> Int {
        var count = 0
        while count < memory.count {
            guard let start = memory.baseAddress else { return 0 }
            let got = Foundation.read(descriptor, start + count, memory.count - count)
            if got == 0 { break }
            if got < 0 {
                if errno == EINTR { continue }
                throw .unreadable(path: name, reason: systemText(errno))
            }
            count += got
        }
        return count
    }

    private static func systemText(_ code: Int32) -> String {
        String(cString: strerror(code))
    }
}
