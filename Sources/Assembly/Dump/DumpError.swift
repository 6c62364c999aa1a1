import Compressors
import Failures
import Foundation

/// Why a dump, or the index of dumps, cannot be read; single lines that are no good are counted, not
/// thrown.
package enum DumpError: Failure, Equatable {
    /// What the system said.
    package struct Reason: Sendable, Equatable {
        package let text: String

        static var last: Reason { Reason(text: String(cString: strerror(errno))) }
    }

    case missing(path: String)
    case unreadable(path: String, Reason)
    /// A directory or a device.
    case notAFile(path: String)
    case tooManyFiles(limit: Int)
    case compression(path: String, CompressionError)
    /// So little compressed data gives so much that it is no dump.
    case expands(path: String)
    /// Much was read and no transaction was in it.
    case noDump(path: String)
    /// A line that was read before reads differently now.
    case changed(path: String)
    /// What comes is not what the index has begun with.
    case otherStream(path: String)
    case indexInUse(path: String)
    case notAnIndex(path: String)
    case indexDamaged(path: String)
    case indexFailed(path: String, Reason)

    package var code: String {
        switch self {
        case .missing: "dump.missing"
        case .unreadable: "dump.unreadable"
        case .notAFile: "dump.not-a-file"
        case .tooManyFiles: "dump.too-many-files"
        case .compression(_, let error): error.code
        case .expands: "dump.expands"
        case .noDump: "dump.no-dump"
        case .changed: "dump.changed"
        case .otherStream: "dump.other-stream"
        case .indexInUse: "dump.index-in-use"
        case .notAnIndex: "dump.not-an-index"
        case .indexDamaged: "dump.index-damaged"
        case .indexFailed: "dump.index-failed"
        }
    }

    package var operation: String { "read a dump" }

    package var subject: String? {
        switch self {
        case .missing(let path), .unreadable(let path, _), .notAFile(let path), .changed(let path),
            .compression(let path, _), .expands(let path), .noDump(let path),
            .otherStream(let path), .indexInUse(let path), .notAnIndex(let path),
            .indexDamaged(let path), .indexFailed(let path, _):
            path
        case .tooManyFiles: nil
        }
    }

    package var publicText: String {
        switch self {
        case .missing(let path): "there is no file \(path)"
        case .unreadable(let path, let reason): "\(path) cannot be read: \(reason.text)"
        case .notAFile(let path): "\(path) is neither a file nor a pipe"
        case .tooManyFiles(let limit): "an index takes at most \(limit) files: use another"
        case .compression(let path, let error): "\(path): \(error.publicText)"
        case .expands(let path): "\(path) expands so much that it can be no dump"
        case .noDump(let path): "\(path): there was no transaction in all that was read"
        case .changed(let path): "\(path) was changed since it was read"
        case .otherStream(let path):
            "\(path) is not what the index has begun with: give the same again, or another index"
        case .indexInUse(let path): "another import works with the index \(path)"
        case .notAnIndex(let path): "\(path) has other files in it: name a new or empty directory"
        case .indexDamaged(let path): "the index \(path) is damaged: remove it and import anew"
        case .indexFailed(let path, let reason):
            "the index \(path) cannot be used: \(reason.text)"
        }
    }
}
