import Archive
import Assembly
import Erasure
import Foundation
import Vault

/// Checks a receipt, without a database.
enum ReceiptVerifyCommand: Command {
    static let synopsis = Synopsis(
        name: "receipt verify",
        summary: "Checks a receipt's signature and whose it is, without a database.",
        operands: .one("FILE"),
        options: [
            .value("key", "HEX", "the published key (permanode receipt key)", required: true),
            .value("salt-file", "FILE", "the requester's salt; - is standard input"),
            .value("subject", "S", "what was asked for, with the salt"),
            .value("channel", "ID", "what was asked for, with the salt"),
            .value("period", "MONTH[..MONTH]", "of the channel"), .json,
        ],
        notes: """
            FILE is the signed receipt: as permanode receipt show prints it, or what permanode
            forget --json or GET /v1/forget-requests/ID answered. - is standard input. With the
            salt it also tells whether the receipt is for what was asked for.
            """)

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let path = arguments.operands.first ?? ""
        try arguments.checkStandardInput("salt-file", also: path == "-" ? "FILE" : nil)
        let signed = try SignedReceipt(text: Array(try read(path, arguments)))
        let receipt = try signed.verified(by: arguments.value("key") ?? "")
        let isOwn = try belongs(receipt, arguments)
        if let isOwn, !isOwn {
            throw CommandFailure(.failed, "the receipt is signed, and is not for this")
        }
        let console = context.console
        if arguments.has("json") { return try console.json(receipt) }
        try console.line("Signed with this key. Receipt \(receipt.request):")
        try console.write(Table.fields(receipt.fields))
        if isOwn != nil { try console.line("It is for what was asked for.") }
    }

    private static func read(_ path: String, _ arguments: Arguments) throws -> Data {
        let limit = SignedReceipt.byteLimit
        if path == "-" {
            return try FileHandle.standardInput.read(upToCount: limit + 1) ?? Data()
        }
        guard let file = FileHandle(forReadingAtPath: path) else {
            throw CommandFailure(.notFound, "the receipt's file cannot be read")
        }
        defer { try? file.close() }
        return try file.read(upToCount: limit + 1) ?? Data()
    }

    /// Nil where no salt was given.
    private static func belongs(_ receipt: Receipt, _ arguments: Arguments) throws -> Bool? {
        let selector = try ForgetCommand.selector(arguments)
        switch (try arguments.salt(), selector) {
        case (nil, nil): return nil
        case (let salt?, let selector?): return receipt.belongs(to: selector, salt: salt)
        default:
            throw arguments.wrong(
                "--salt-file and one of --subject and --channel are needed together")
        }
    }
}
