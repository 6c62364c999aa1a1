import Archive
import Foundation
import QueryAPI
import Ternary

enum MessageFormat: String, CaseIterable, Sendable {
    case text, json, ndjson, csv
}

/// Prints messages batch by batch, so that none but the last batch is held.
struct MessageWriter {
    let format: MessageFormat
    let console: Console
    private var isFirst = true

    init(format: MessageFormat, console: Console) {
        self.format = format
        self.console = console
    }

    private static let columns = [
        "sequence", "position", "leaf", "claimedAt", "firstSeenAt", "text", "trytes", "tag",
        "bundle", "tail", "address", "securityLevel", "confirmed", "milestone", "attachments",
        "conflict",
    ]

    mutating func write(_ messages: [MessageDocument]) throws(CommandFailure) {
        var bytes = isFirst ? start : Data()
        for message in messages {
            switch format {
            case .text: bytes += Data(Self.line(message).utf8)
            case .json:
                if !isFirst { bytes += Data(",".utf8) }
                bytes += try Console.encoded(message)
            case .ndjson: bytes += try Console.encoded(message) + Data("\n".utf8)
            case .csv: bytes += Self.row(Self.values(message))
            }
            isFirst = false
        }
        // The start is written once, also where nothing follows it.
        if messages.isEmpty && isFirst { return }
        try console.write(bytes)
    }

    private var start: Data {
        switch format {
        case .text, .ndjson: Data()
        case .json: Data("{\"messages\":[".utf8)
        case .csv: Self.row(Self.columns)
        }
    }

    private struct Standing: Encodable {
        let sequence: Int64
        let state: ChannelState
        let headPosition: Int64
    }

    func end(channel: ChannelRecord, next: String?) throws(CommandFailure) {
        if isFirst { try console.write(start) }
        guard format == .json else { return }
        let standing = try Console.encoded(
            Standing(
                sequence: channel.messageCount, state: channel.state,
                headPosition: channel.headPosition))
        let cursor = try Console.encoded(next)
        try console.write(
            Data("],\"next\":".utf8) + cursor + Data(",\"archive\":".utf8) + standing
                + Data("}\n".utf8))
    }

    private static func line(_ message: MessageDocument) -> String {
        let content =
            message.text.map(TerminalText.harmless)
            ?? "(\(message.trytes?.count ?? 0) trytes that are no text) \(message.trytes?.description ?? "")"
        let place = "\(message.position).\(message.leaf)" + (message.conflict ? "!" : "")
        let time = message.claimedAt?.text ?? "-"
        return "\(message.sequence)\t\(place)\t\(time)\t\(content)\n"
    }

    private static func values(_ message: MessageDocument) -> [String] {
        [
            String(message.sequence), String(message.position), String(message.leaf),
            message.claimedAt?.text ?? "", message.firstSeenAt.text, message.text ?? "",
            message.trytes?.description ?? "", message.tag.description,
            message.bundle.description, message.tail.description, message.address.description,
            String(message.securityLevel), String(message.confirmed),
            message.milestone.map { String($0) } ?? "", String(message.attachments),
            String(message.conflict),
        ]
    }

    /// A record of RFC 4180.
    private static func row(_ values: [String]) -> Data {
        let fields = values.map { value in
            let isPlain = value.utf8.allSatisfy {
                $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: ",") && $0 >= UInt8(ascii: " ")
            }
            return isPlain ? value : "\"" + value.replacing("\"", with: "\"\"") + "\""
        }
        return Data((fields.joined(separator: ",") + "\r\n").utf8)
    }
}
