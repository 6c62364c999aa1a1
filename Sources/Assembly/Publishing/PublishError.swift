import Failures

/// Why a message cannot be published.
package enum PublishError: Failure, Equatable {
    case fileMissing(path: String)
    case fileExists(path: String)
    /// Another process publishes with it.
    case fileInUse(path: String)
    /// Others than its owner may read or write it.
    case fileTooOpen(path: String)
    case fileDamaged(path: String)
    case fileInaccessible(path: String, reason: String)
    /// The ledger has a message of the leaf that the file says is the next one.
    case behind(path: String)
    /// So much lies at the next place that it cannot be told whether a message of the channel
    /// does.
    case undecided(path: String)

    package var code: String {
        switch self {
        case .fileMissing: "publish.file-missing"
        case .fileExists: "publish.file-exists"
        case .fileInUse: "publish.file-in-use"
        case .fileTooOpen: "publish.file-too-open"
        case .fileDamaged: "publish.file-damaged"
        case .fileInaccessible: "publish.file-inaccessible"
        case .behind: "publish.behind"
        case .undecided: "publish.undecided"
        }
    }

    package var operation: String { "publish" }

    package var subject: String? {
        switch self {
        case .fileMissing(let path), .fileExists(let path), .fileInUse(let path),
            .fileTooOpen(let path), .fileDamaged(let path), .fileInaccessible(let path, _),
            .behind(let path), .undecided(let path):
            path
        }
    }

    package var retryable: Bool { if case .fileInUse = self { true } else { false } }

    package var publicText: String {
        switch self {
        case .fileMissing: "there is no such file; permanode publish create makes one"
        case .fileExists: "there is a file already: one for each channel, never a copy"
        case .fileInUse: "another process publishes with this file"
        case .fileTooOpen: "others may read the file, and sign with it: make it 0600"
        case .fileDamaged: "the file holds no channel, or was changed"
        case .fileInaccessible(_, let reason): "the file cannot be used: \(reason)"
        case .behind:
            "the ledger has a message at the place that the file says comes next: it is an older"
                + " copy, and signing with it would let others forge; make a new channel"
        case .undecided:
            "so much lies at the place that comes next that nobody can tell whether a message of"
                + " this channel does: ask a node with higher limits, or make a new channel"
        }
    }

    package var operatorText: String { "\(subject ?? ""): \(publicText)" }
}
