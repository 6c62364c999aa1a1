import Foundation
import MAM
import QueryAPI
import Tangle
import Ternary

import struct Tangle.Bundle

/// Reads one payload, or the evidence of messages, without a database.
enum DecodeCommand: Command {
    static let synopsis = Synopsis(
        name: "decode",
        summary:
            "Reads a payload or evidence from standard input and prints its message, if the signature is right.",
        options: [
            .value(
                "root-file", "FILE", "the root at whose address the payload lies", required: true),
            .value(
                "mode", "MODE", "public, private or restricted; restricted if there is a side key"),
            .value("side-key-file", "FILE", "for restricted channels"),
            .flag("bundle", "evidence, as GET …/messages/{sequence}/bundle gives it"),
            .json,
        ],
        notes: """
            The payload is trytes: the message fragments of a bundle in index order.
            With --bundle it is one JSON document, or one a line: every transaction is hashed, every
            bundle checked, and every signature led to the root. Messages of later trees are checked
            with the roots that the messages before them lead to, so give them in the order of
            positions, from the tree of the root on.
            """)

    /// Trytes of the longest bundle that is followed, and a line end.
    private static let payloadLimit =
        Bundle.maximumTransactions * TransactionLayout.Field.signatureMessageFragment.range.count
        + 2

    /// Bytes of all documents: some ten thousand messages.
    private static let evidenceLimit = 256 << 20

    private struct Result: Encodable {
        var sequence: Int64?
        var bundle: Hash?
        var tails: [Hash]?
        let leaf: UInt64
        let securityLevel: Int
        let text: String?
        let trytes: String?

        init(_ message: Message) {
            leaf = message.index
            securityLevel = message.securityLevel
            text = message.text
            trytes = text == nil ? message.contentTrytes.description : nil
        }
    }

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let isEvidence = arguments.has("bundle")
        try arguments.checkStandardInput(
            "root-file", "side-key-file", also: isEvidence ? "the evidence" : "the payload")
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
        if isEvidence {
            return try check(
                EvidenceReader(root: root, mode: mode, sideKey: sideKey), arguments, context)
        }
        let request = ReadRequest(payload: try payload(arguments), root: root, sideKey: sideKey)
        guard let result = MessageReader.read([request], .full).first else { return }
        let message: Message
        do {
            message = try result.get()
        } catch {
            throw CommandFailure(error)
        }
        try show(Result(message), message, arguments, context)
    }

    private static func check(
        _ reader: EvidenceReader, _ arguments: Arguments, _ context: CommandContext
    ) throws {
        var reader = reader
        for (index, document) in try evidence(arguments).enumerated() {
            let proof: EvidenceReader.Proof
            do {
                proof = try reader.read(document)
            } catch {
                throw CommandFailure(
                    .failed,
                    "document \(index + 1), message \(document.sequence): \(error.publicText)"
                        + " [\(error.code)]")
            }
            var result = Result(proof.message)
            result.sequence = document.sequence
            result.bundle = document.bundle
            result.tails = proof.tails
            try show(result, proof.message, arguments, context)
        }
    }

    private static func show(
        _ result: Result, _ message: Message, _ arguments: Arguments, _ context: CommandContext
    ) throws {
        if arguments.has("json") {
            try context.console.json(result)
        } else {
            try context.console.line(message.text ?? message.contentTrytes.description)
        }
    }

    private static func evidence(_ arguments: Arguments) throws -> [EvidenceDocument] {
        let bytes = try input(evidenceLimit, arguments, "the evidence has more than 256 MB")
        let decoder = JSONDecoder()
        if let document = try? decoder.decode(EvidenceDocument.self, from: bytes) {
            return [document]
        }
        let lines = bytes.split(separator: UInt8(ascii: "\n"))
        let documents = lines.compactMap {
            try? decoder.decode(EvidenceDocument.self, from: Data($0))
        }
        guard !lines.isEmpty, documents.count == lines.count else {
            throw arguments.wrong(
                "standard input holds no evidence, which is a JSON document, or one a line")
        }
        return documents
    }

    private static func payload(_ arguments: Arguments) throws(CommandFailure) -> Trytes {
        let bytes = try input(
            payloadLimit, arguments, "the payload is longer than any bundle")
        let text = bytes.reversed().drop { $0 <= UInt8(ascii: " ") }.reversed()
        guard !text.isEmpty, let trytes = try? Trytes(ascii: Array(text)) else {
            throw arguments.wrong("standard input holds no payload, which is characters of 9A-Z")
        }
        return trytes
    }

    private static func input(
        _ limit: Int, _ arguments: Arguments, _ tooLong: String
    ) throws(CommandFailure) -> Data {
        let bytes: Data
        do {
            bytes = try FileHandle.standardInput.read(upToCount: limit + 1) ?? Data()
        } catch {
            throw CommandFailure(.failed, "standard input cannot be read")
        }
        guard bytes.count <= limit else { throw arguments.wrong(tooLong) }
        return bytes
    }
}
