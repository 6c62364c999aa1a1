import Assembly
import Diagnostics
import Foundation
import MAM
import Metering
import NodeClient
import Tangle
import Ternary

/// Makes the file that a channel is published with.
enum PublishCreateCommand: Command {
    static let synopsis = Synopsis(
        name: "publish create",
        summary: "Makes a channel to publish on, and the file that it is kept in.",
        options: [
            .value("state", "FILE", "is made, with mode 0600", required: true),
            .value("mode", "MODE", "public, private or restricted", required: true),
            .value("side-key-file", "FILE", "for a restricted channel; - is standard input"),
            .value("seed-file", "FILE", "81 trytes that nobody else has; made if not given"),
            .value("security-level", "N", "1 to 3; 2 if not given"),
        ],
        notes: """
            Who has the file can sign as the channel. Never use a copy of it: a leaf that signs twice
            can be forged with. A channel whose file is lost cannot be gone on with.
            """)

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        try arguments.checkStandardInput("side-key-file", "seed-file")
        guard let mode = try arguments.choice("mode", ChannelMode.self) else {
            throw arguments.wrong("--mode is missing")
        }
        let sideKey = try arguments.sideKey()
        guard (mode == .restricted) == (sideKey != nil) else {
            throw arguments.wrong(
                mode == .restricted
                    ? "restricted mode needs --side-key-file"
                    : "\(mode.rawValue) mode has no side key")
        }
        let channel = try PublishedChannel(
            seed: try arguments.seed() ?? Seed(randomTrytes()), mode: mode, sideKey: sideKey,
            securityLevel: try arguments.integer("security-level", in: 1...3) ?? 2)
        let file = try PublisherFile(path: arguments.value("state") ?? "")
        try file.create(channel)
        context.console.note(
            "made; readers register it with what permanode publish root prints")
    }

    /// 81 trytes from the system's random source.
    private static func randomTrytes() -> String {
        let alphabet = Array("9ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        var random = SystemRandomNumberGenerator()
        return String(
            (0..<Hash.tryteCount).map { _ in alphabet.randomElement(using: &random) ?? "9" })
    }
}

/// Prints what readers need.
enum PublishRootCommand: Command {
    static let synopsis = Synopsis(
        name: "publish root",
        summary: "Prints the root that readers register a channel with.",
        options: [.value("state", "FILE", "of publish create", required: true)],
        notes: """
            With it, and with the side key of a restricted channel, all messages can be read: hand it
            over as carefully, such as in a pipe to permanode channel add --root-file -.
            """)

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let file = try PublisherFile(path: arguments.value("state") ?? "")
        let root = try file.load().firstRoot()
        try context.console.line(root.revealHash().description)
    }
}

/// Publishes what comes on standard input.
enum PublishCommand: Command {
    static let synopsis = Synopsis(
        name: "publish",
        summary: "Publishes telegrams from standard input on a channel, a message each.",
        options: [
            .value("state", "FILE", "of publish create", required: true),
            .flag("lines", "each line is a message as it stands, instead of telegrams"),
            .value("weight", "N", "of the proof of work: 14 if not given, as on the mainnet"),
            .value("tag", "TRYTES", "up to 27, shown to everyone"),
            .json,
        ],
        notes: """
            Telegrams are taken as a meter's P1 port sends them, and wrapped as devices do:
            {"raw":…,"timestamp":…,"type":"DATA"}. Nodes are those of PERMANODE_NODES. Prints a line for
            each message that a node took: its number and the hash of its tail. A message is saved
            before it leaves: if it is killed, the same message is sent when it is started again, and
            no leaf signs twice. What a node does not take is tried until one does.
            """)

    private struct Line: Encodable {
        let number: UInt64
        let tail: Hash
    }

    private struct Event: Encodable {
        let type = "DATA"
        let raw: String
        let timestamp: Int64
    }

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let configuration = try context.configuration(needs: [.nodes])
        let weight =
            try arguments.integer("weight", in: 0...Attachment.maximumWeightMagnitude)
            ?? Attachment.maximumWeightMagnitude
        let tagLimit = TransactionLayout.Field.tag.range.count
        guard let tag = try? Trytes(arguments.value("tag") ?? ""), tag.count <= tagLimit else {
            throw arguments.wrong("--tag is not up to \(tagLimit) characters of 9A-Z")
        }
        let transport = CurlTransport()
        var publisher = try MessagePublisher(
            try PublisherFile(path: arguments.value("state") ?? ""),
            nodes: configuration.nodes.map { NodeClient(endpoint: $0, transport: transport) },
            weight: weight, tag: tag, log: configuration.log(quietly: true))
        let asJSON = arguments.has("json")
        func tell(_ receipt: MessagePublisher.Receipt) throws {
            if asJSON {
                try context.console.json(Line(number: receipt.number, tail: receipt.tail))
            } else {
                try context.console.line("\(receipt.number) \(receipt.tail)")
            }
        }
        if let receipt = try await publisher.begin() { try tell(receipt) }
        var input = PublishInput(inLines: arguments.has("lines"))
        while let texts = try input.next() {
            for text in texts {
                do {
                    try tell(try await publisher.publish(text))
                } catch let error as WriteError {
                    context.console.note("passed over: \(error.publicText)")
                }
            }
        }
        if input.droppedCount > 0 {
            context.console.note("telegrams that were cut or too long: \(input.droppedCount)")
        }
    }

    /// A telegram as devices publish it.
    static func event(_ telegram: [UInt8]) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let event = Event(
            raw: String(decoding: telegram, as: UTF8.self),
            timestamp: Int64(Date().timeIntervalSince1970 * 1000))
        return String(decoding: try encoder.encode(event), as: UTF8.self)
    }
}

/// Standard input, message by message as it comes.
private struct PublishInput {
    private static let readBytes = 64 << 10
    /// Of a line: the longest bundles hold less.
    private static let lineLimit = 64 << 10

    private let inLines: Bool
    private var telegrams = TelegramSplitter()
    private var line: [UInt8] = []
    private var isTooLong = false
    private var tooLongCount = 0
    private var atEnd = false

    init(inLines: Bool) { self.inLines = inLines }

    var droppedCount: Int { telegrams.droppedCount + tooLongCount }

    /// What came since; nil at the end.
    mutating func next() throws -> [String]? {
        guard !atEnd else { return nil }
        let bytes = try read()
        atEnd = bytes.isEmpty
        if inLines { return lines(bytes) }
        let whole = atEnd ? [telegrams.finish()].compactMap { $0 } : telegrams.add(bytes)
        return try whole.map(PublishCommand.event)
    }

    private mutating func lines(_ bytes: [UInt8]) -> [String] {
        var whole: [String] = []
        for byte in bytes + (atEnd ? [UInt8(ascii: "\n")] : []) {
            guard byte == UInt8(ascii: "\n") else {
                if line.count < Self.lineLimit { line.append(byte) } else { isTooLong = true }
                continue
            }
            if isTooLong {
                tooLongCount += 1
            } else if !line.isEmpty {
                whole.append(String(decoding: line, as: UTF8.self))
            }
            (line, isTooLong) = ([], false)
        }
        return whole
    }

    private func read() throws(CommandFailure) -> [UInt8] {
        while true {
            var count = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: Self.readBytes) { buffer, filled in
                count = Foundation.read(STDIN_FILENO, buffer.baseAddress, buffer.count)
                filled = max(count, 0)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw CommandFailure(.failed, "standard input cannot be read")
            }
            return bytes
        }
    }
}
