import Vault

/// Who acts, as the audit log tells it.
package enum AuditActor: Sendable, Equatable {
    /// The bearer of a token.
    case token(ChannelNumber)
    /// Who may run the program: at the command line, or a service doing what it was set up for.
    case operation
    /// The archive looking after itself. What it reads does not leave it, so that is not recorded.
    case upkeep

    /// Of the current task: `operation` unless somebody else was let in.
    @TaskLocal package static var current = AuditActor.operation

    var token: ChannelNumber? {
        if case .token(let number) = self { number } else { nil }
    }
}
