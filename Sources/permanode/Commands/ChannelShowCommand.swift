import Archive
import Assembly
import Crawler
import MAM
import QueryAPI
import Vault

/// Shows a channel.
enum ChannelShowCommand: Command {
    static let synopsis = Synopsis(
        name: "channel show", summary: "Shows a channel; never its root.", operands: .one("ID"),
        options: [.json])

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let id = try arguments.channelOperand()
        let (channel, earlier) = try await context.withInstance { instance, _, _ in
            let channel = try await instance.archive.channel(id)
            return (channel, try await instance.archive.earlierChains(of: id))
        }
        if arguments.has("json") {
            try context.console.json(ChannelDocument(channel, isAdmin: true))
        } else {
            try context.console.write(Table.fields(fields(of: channel) + earlier.map(field)))
        }
    }

    private static func field(of chain: EarlierChain) -> (String, String) {
        let start = EarlierChain.start(of: chain.number)
        let standing =
            switch (chain.arrivedAt, chain.headPosition) {
            case (let arrivedAt?, _): "arrived \(Timestamp(arrivedAt).text)"
            case (nil, let head?):
                "looking for \(head)" + (chain.reason.map { ", \($0)" } ?? "")
            case (nil, nil): "given up for another"
            }
        return ("earlier", "from \(start): \(standing)")
    }

    private static func fields(of channel: ChannelRecord) -> [(String, String)] {
        var fields = [
            ("id", channel.id.text), ("mode", channel.mode.rawValue),
            ("state", channel.state.rawValue),
        ]
        if let reason = channel.reason {
            let explanation = StallReason(rawValue: reason).map { ": \($0.explanation)" } ?? ""
            fields.append(("reason", reason + explanation))
        }
        if let label = channel.label { fields.append(("label", TerminalText.harmless(label))) }
        for subject in channel.subjects {
            fields.append(("subject", TerminalText.harmless(subject)))
        }
        if let purpose = channel.purpose {
            fields.append(("purpose", TerminalText.harmless(purpose)))
        }
        if let basis = channel.basis { fields.append(("lawful basis", basis.rawValue)) }
        fields += [
            ("messages", String(channel.messageCount)),
            ("head position", String(channel.headPosition)),
            ("side keys", String(channel.sideKeyCount)),
            ("kept", channel.retention?.text ?? "all"),
            (
                "node interface",
                (channel.nodeInterface?.rawValue ?? "off")
                    + (channel.nodeInterfaceIsReady ? "" : ", being made ready")
            ),
            ("registered", Timestamp(channel.createdAt).text),
            ("last look", channel.lastLookAt.map { Timestamp($0).text } ?? "never"),
        ]
        if ChannelState.crawled.contains(channel.state) {
            fields.append(("next look", Timestamp(channel.nextLookAt).text))
        }
        return fields
    }
}
