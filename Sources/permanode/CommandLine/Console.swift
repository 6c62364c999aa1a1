import Diagnostics
import Foundation
import Synchronization

/// Standard output and standard error.
struct Console: Sendable {
    /// Whether standard error is a terminal: then long work shows how far it is.
    let showsProgress: Bool

    init() { showsProgress = isatty(STDERR_FILENO) == 1 }

    /// Writes all of `text` at once.
    /// - Throws: `CommandFailure` where nobody reads standard output any more.
    func write(_ text: String) throws(CommandFailure) {
        try write(Data(text.utf8))
    }

    func write(_ bytes: Data) throws(CommandFailure) {
        var rest = bytes
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes {
                Foundation.write(STDOUT_FILENO, $0.baseAddress, $0.count)
            }
            if written < 0 && errno == EINTR { continue }
            guard written > 0 else {
                throw CommandFailure(
                    .failed,
                    "standard output cannot be written: \(String(cString: strerror(errno)))")
            }
            rest = rest.dropFirst(written)
        }
    }

    func line(_ text: String = "") throws(CommandFailure) {
        try write(text + "\n")
    }

    /// A value as JSON with sorted keys and a line end.
    func json(_ value: some Encodable) throws(CommandFailure) {
        try write(Self.encoded(value) + Data("\n".utf8))
    }

    static func encoded(_ value: some Encodable) throws(CommandFailure) -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return try encoder.encode(value)
        } catch {
            throw CommandFailure(.failed, "the result cannot be written as JSON")
        }
    }

    /// A line for people, on standard error; lost where that is closed or full.
    func note(_ text: String) {
        StandardError.write(text + "\n")
    }
}

/// One line of standard error that is written over as long work goes on; nothing where that is
/// no terminal.
final class ProgressLine: Sendable {
    /// Often enough to look alive.
    private static let interval: Duration = .milliseconds(100)

    private let isShown: Bool
    private let last = Mutex<ContinuousClock.Instant?>(nil)

    init(_ console: Console) { isShown = console.showsProgress }

    func show(_ text: @autoclosure () -> String) {
        guard isShown else { return }
        let isDue = last.withLock { last in
            let now = ContinuousClock.now
            if let last, now - last < Self.interval { return false }
            last = now
            return true
        }
        guard isDue else { return }
        // Back to the start of the line, and clear to its end.
        StandardError.write("\r\u{1B}[K\(text())")
    }

    func end() {
        guard isShown, last.withLock({ $0 != nil }) else { return }
        StandardError.write("\r\u{1B}[K")
    }
}
