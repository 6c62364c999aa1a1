import Vault

/// Who acts, as the audit log tells it.
package enum AuditActor: Sendable, Hashable {
    /// The bearer of a token.
    case token(ChannelNumber)
    /// Who came without a token, where that is allowed.
    case anyone
    /// Who may run the program: at the command line, or a service doing what it was set up for.
    case operation
    /// The archive looking after itself. What it reads does not leave it, so that is not recorded.
    case upkeep

    /// Of the current task: `operation` unless somebody else was let in.
    @TaskLocal package static var current = AuditActor.operation

    var token: ChannelNumber? {
        if case .token(let number) = self { number } else { nil }
    }

    /// How it stands among the recipients of a channel.
    var recipientNumber: Int64 {
        switch self {
        case .token(let number): number.rawValue
        case .operation, .upkeep: Recipients.operatorNumber
        case .anyone: Recipients.anyoneNumber
        }
    }
}
