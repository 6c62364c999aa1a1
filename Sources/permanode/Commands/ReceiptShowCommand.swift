import Archive
import Assembly
import Vault

/// Prints a signed receipt.
enum ReceiptShowCommand: Command {
    static let synopsis = Synopsis(
        name: "receipt show", summary: "Prints a forget's signed receipt, to be handed out.",
        operands: .one("ID"))

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let id = try Arguments.number(arguments.operands.first ?? "", "forget request")
        let request = try await context.withInstance { instance, _, _ in
            try await instance.archive.forgetRequest(id)
        }
        guard let receipt = request.receipt else {
            throw CommandFailure(.refused, "the forget is not done, so there is no receipt yet")
        }
        try context.console.line(receipt)
    }
}
