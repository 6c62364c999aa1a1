import Failures
import Foundation

/// Why a dump cannot be read; single lines that are no good are counted, not thrown.
package enum DumpError: Failure, Equatable {
    /// What the system said.
    package struct Reason: Sendable, Equatable {
        package let text: String

        static var last: Reason { Reason(text: String(cString: strerror(errno))) }
    }

    case missing(path: String)
    case unreadable(path: String, Reason)
    /// A pipe or a device, in which nothing can be looked up.
    case notAFile(path: String)
    case tooManyFiles(limit: Int)
    case tooManyTransactions(limit: Int)
    /// A line that was read before reads differently now.
    case changed(path: String)

    package var code: String {
        switch self {
        case .missing: "dump.missing"
        case .unreadable: "dump.unreadable"
        case .notAFile: "dump.not-a-file"
        case .tooManyFiles: "dump.too-many-files"
        case .tooManyTransactions: "dump.too-many-transactions"
        case .changed: "dump.changed"
        }
    }

    package var operation: String { "read a dump" }

    package var subject: String? {
        switch self {
        case .missing(let path), .unreadable(let path, _), .notAFile(let path), .changed(let path):
            path
        case .tooManyFiles, .tooManyTransactions: nil
        }
    }

    package var publicText: String {
        switch self {
        case .missing(let path): "there is no file \(path)"
        case .unreadable(let path, let reason): "\(path) cannot be read: \(reason.text)"
        case .notAFile(let path): "\(path) is no regular file: unpack it into one first"
        case .tooManyFiles(let limit): "at most \(limit) files can be imported at once"
        case .tooManyTransactions(let limit):
            "more than \(limit) transactions: import fewer files at once"
        case .changed(let path): "\(path) was changed while it was imported"
        }
    }
}
