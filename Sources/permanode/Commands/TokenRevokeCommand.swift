import Archive
import Assembly
import Foundation

/// Ends a token.
enum TokenRevokeCommand: Command {
    static let synopsis = Synopsis(
        name: "token revoke", summary: "Ends a token for good.", operands: .one("ID"),
        notes: "ID is the one that `permanode token list` shows, not the token itself.")

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let id = try Arguments.number(arguments.operands.first ?? "", "token")
        try await context.withInstance { instance, _, _ in
            try await instance.archive.revokeToken(id, now: Date())
        }
    }
}
