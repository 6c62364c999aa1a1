import Archive
import Assembly
import QueryAPI
import Ternary
import Vault

/// Lists the tokens.
enum TokenListCommand: Command {
    static let synopsis = Synopsis(
        name: "token list", summary: "Lists the tokens, revoked ones too; never a token itself.",
        options: [.json])

    private struct Document: Encodable {
        let id: String
        let role: TokenRole
        let channels: [String]
        let address: String?
        let createdAt: Timestamp
        let revokedAt: Timestamp?

        init(_ record: TokenRecord) {
            id = record.id.text
            role = record.role
            channels = record.channels.map(\.text)
            address = record.address?.description
            createdAt = Timestamp(record.createdAt)
            revokedAt = record.revokedAt.map(Timestamp.init)
        }
    }

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let tokens = try await context.withInstance { instance, _, _ in
            try await instance.archive.tokens()
        }.map(Document.init)
        if arguments.has("json") {
            try context.console.json(tokens)
            return
        }
        let rows = tokens.map { token in
            [
                token.id, token.role.rawValue, token.createdAt.text,
                token.revokedAt?.text ?? "-", token.channels.joined(separator: ","),
            ]
        }
        try context.console.write(
            Table.text(header: ["ID", "ROLE", "CREATED", "REVOKED", "CHANNELS"], rows))
    }
}
