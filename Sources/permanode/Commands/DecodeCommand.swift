import Foundation
import MAM
import Tangle
import Ternary

/// Reads one payload without a database.
enum DecodeCommand: Command {
    static let synopsis = Synopsis(
        name: "decode",
        summary:
            "Reads one payload from standard input and prints its message, if the signature is right.",
        options: [
            .value(
                "root-file", "FILE", "the root at whose address the payload lies", required: true),
            .value(
                "mode", "MODE", "public, private or restricted; restricted if there is a side key"),
            .value("side-key-file", "FILE", "for restricted channels"),
            .json,
        ],
        notes: "The payload is trytes: the message fragments of a bundle in index order.")

    /// Trytes of the longest bundle that is followed, and a line end.
    private static let payloadLimit =
        Bundle.maximumTransactions * TransactionLayout.Field.signatureMessageFragment.range.count
        + 2

    private struct Result: Encodable {
        let leaf: UInt64
        let securityLevel: Int
        let text: String?
        let trytes: String?
    }

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        try arguments.checkStandardInput("root-file", "side-key-file", also: "the payload")
        let root = try arguments.root()
        let sideKey = try arguments.sideKey()
        let mode =
            try arguments.choice("mode", ChannelMode.self)
            ?? (sideKey == nil ? .public : .restricted)
        guard (mode == .restricted) == (sideKey != nil) else {
            throw arguments.wrong(
                mode == .restricted
                    ? "restricted mode needs --side-key-file"
                    : "\(mode.rawValue) mode has no side key")
        }
        let request = ReadRequest(payload: try payload(arguments), root: root, sideKey: sideKey)
        guard let result = MessageReader.read([request], .full).first else { return }
        let message: Message
        do {
            message = try result.get()
        } catch {
            throw CommandFailure(error)
        }
        let text = message.text
        if arguments.has("json") {
            try context.console.json(
                Result(
                    leaf: message.index, securityLevel: message.securityLevel, text: text,
                    trytes: text == nil ? message.contentTrytes.description : nil))
        } else {
            try context.console.line(text ?? message.contentTrytes.description)
        }
    }

    private static func payload(_ arguments: Arguments) throws(CommandFailure) -> Trytes {
        let bytes: Data
        do {
            bytes = try FileHandle.standardInput.read(upToCount: payloadLimit + 1) ?? Data()
        } catch {
            throw CommandFailure(.failed, "standard input cannot be read")
        }
        guard bytes.count <= payloadLimit else {
            throw arguments.wrong("the payload is longer than any bundle")
        }
        let text = bytes.reversed().drop { $0 <= UInt8(ascii: " ") }.reversed()
        guard !text.isEmpty, let trytes = try? Trytes(ascii: Array(text)) else {
            throw arguments.wrong("standard input holds no payload, which is characters of 9A-Z")
        }
        return trytes
    }
}
