/// The shape every error of this project has, so that a log line, a problem
/// document and an exit message can be written without knowing which part failed.
///
/// Neither text may hold a secret (root, side key, token, key ring bytes) or a
/// parameter of a statement.
package protocol Failure: Error, Sendable, CustomStringConvertible {
    /// A stable, machine-readable name such as `postgres.connection-lost`.
    var code: String { get }

    /// What was being done, as a short verb phrase: `connect`, `read payload`.
    var operation: String { get }

    /// What it was about: a channel id, a table, a host; nil where there is nothing to name.
    var subject: String? { get }

    /// Whether the same call may succeed later without anybody changing anything.
    var retryable: Bool { get }

    /// One sentence that anyone may read.
    var publicText: String { get }

    /// The same with what an operator needs to find the cause.
    var operatorText: String { get }
}

extension Failure {
    package var subject: String? { nil }
    package var retryable: Bool { false }
    package var operatorText: String { publicText }
    package var description: String { "\(code): \(operatorText)" }
}
