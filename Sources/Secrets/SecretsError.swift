import Failures

/// What keeps a secret from being read, made or opened. No case holds bytes of a secret.
package enum SecretsError: Failure, Equatable {
    /// A key, salt or seed of another length than the algorithm takes, in bytes.
    case wrongLength(of: String, expected: Int, actual: Int)
    /// A sealed value too short to be one, or one that the key and associated data do not open:
    /// another key, another place, or changed bytes; which of them cannot be told.
    case wrongKeyOrDamaged
    /// Text that is not in the encoding named (`hex`, `base64url`).
    case notEncoded(as: String)
    /// A file with a secret that could not be read; `reason` is the system's text.
    case unreadable(path: String, reason: String)
    /// A file or input with a secret that holds more than this many bytes.
    case tooLong(path: String, limit: Int)
    /// A file or input that should hold a secret and holds nothing.
    case empty(path: String)
    /// A command that should print a secret did not; no text of its own.
    case commandFailed(reason: String)
    /// The memory that deriving a key from a passphrase takes is not there, in bytes.
    case notEnoughMemory(needed: Int)

    package var code: String {
        switch self {
        case .wrongLength: "secrets.wrong-length"
        case .wrongKeyOrDamaged: "secrets.wrong-key-or-damaged"
        case .notEncoded: "secrets.not-encoded"
        case .unreadable: "secrets.unreadable"
        case .tooLong: "secrets.too-long"
        case .empty: "secrets.empty"
        case .notEnoughMemory: "secrets.not-enough-memory"
        case .commandFailed: "secrets.command-failed"
        }
    }

    package var operation: String {
        switch self {
        case .wrongLength: "use a key"
        case .wrongKeyOrDamaged: "open a sealed value"
        case .notEncoded: "decode text"
        case .unreadable, .tooLong, .empty, .commandFailed: "read a secret"
        case .notEnoughMemory: "derive a key from a passphrase"
        }
    }

    package var subject: String? {
        switch self {
        case .unreadable(let path, _), .tooLong(let path, _), .empty(let path): path
        default: nil
        }
    }

    package var retryable: Bool {
        if case .notEnoughMemory = self { true } else { false }
    }

    package var publicText: String {
        switch self {
        case .wrongLength(let what, let expected, let actual):
            "the \(what) has \(actual) bytes instead of \(expected)"
        case .wrongKeyOrDamaged: "the value cannot be opened: wrong key, or damaged"
        case .notEncoded(let encoding): "the text is not \(encoding)"
        case .unreadable: "the secret could not be read"
        case .tooLong(_, let limit): "the secret is longer than \(limit) bytes"
        case .empty: "there is no secret in the input"
        case .notEnoughMemory: "there is not enough memory to derive the key"
        case .commandFailed: "the command that gives the secret failed"
        }
    }

    package var operatorText: String {
        switch self {
        case .unreadable(let path, let reason): "\(path): \(reason)"
        case .tooLong(let path, let limit): "\(path) holds more than \(limit) bytes"
        case .empty(let path): "\(path) is empty; it should hold one secret"
        case .commandFailed(let reason): "the command that gives the secret failed: \(reason)"
        case .notEnoughMemory(let needed):
            "deriving a key from the passphrase takes \(needed) bytes of memory"
        default: publicText
        }
    }
}
