import Archive
import Assembly
import Foundation
import Secrets
import Vault

/// Hands out the signed heads of the audit log.
enum AuditHeadsCommand: Command {
    static let synopsis = Synopsis(
        name: "audit heads",
        summary: "Signs the audit chains as they stand, and prints each one's latest head.",
        notes: """
            An object a line. Keep them where nobody can change them who can change the database:
            `permanode audit verify --heads FILE` then shows whether anything up to them was changed,
            removed or cut off.
            """)

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let console = context.console
        try await context.withInstance { instance, _, _ in
            let archive = instance.archive
            try await archive.audit.signHeads(age: 0, now: Date())
            let key = archive.vault.signingKey.publicKey
            try await archive.auditHeads { heads in
                var bytes = Data()
                for head in heads {
                    bytes += try Console.encoded(AuditHeadDocument(head, publicKey: key))
                    bytes += Data("\n".utf8)
                }
                try console.write(bytes)
            }
        }
    }
}
