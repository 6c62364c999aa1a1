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

    mutating func write(_ messages: [MessageDocument]) throws(CommandFailure) {
        var bytes = isFirst ? start : Data()
        if format == .csv { bytes += MessageDocument.csv(messages) }
        for message in messages {
            switch format {
            case .text: bytes += Data(Self.line(message).utf8)
            case .json:
                if !isFirst { bytes += Data(",".utf8) }
                bytes += try Console.encoded(message)
            case .ndjson: bytes += try Console.encoded(message) + Data("\n".utf8)
            case .csv: break
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
        case .csv: Data(MessageDocument.csvHeader)
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
}
