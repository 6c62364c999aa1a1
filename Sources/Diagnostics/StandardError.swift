import Foundation
import Synchronization

/// Standard error as a place for lines.
package enum StandardError {
    private static let lock = Mutex(())

    /// Writes `line` as it is, whole before the next one. A standard error that is closed
    /// or full loses the line: there is nobody left to tell.
    package static func write(_ line: String) {
        write(line, to: STDERR_FILENO)
    }

    /// The same to any descriptor.
    package static func write(_ line: String, to descriptor: Int32) {
        lock.withLock { _ in
            Array(line.utf8).withUnsafeBytes { bytes in
                var rest = bytes[...]
                while !rest.isEmpty {
                    let part = UnsafeRawBufferPointer(rebasing: rest)
                    let written = Foundation.write(descriptor, part.baseAddress, part.count)
                    if written < 0 && errno == EINTR { continue }
                    guard written > 0 else { return }
                    rest = rest.dropFirst(written)
                }
            }
        }
    }
}
