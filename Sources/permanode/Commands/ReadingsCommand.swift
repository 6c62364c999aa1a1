import Archive
import Assembly
import Foundation
import Metering
import QueryAPI

/// The formats of the interface by short names.
private enum Format: String, CaseIterable {
    case json, csv
    case greenButton = "green-button"

    var readings: ReadingsFormat {
        switch self {
        case .json: .json
        case .csv: .csv
        case .greenButton: .greenButton
        }
    }
}

/// Prints what a meter tells in a channel's messages.
enum ReadingsCommand: Command {
    static let synopsis = Synopsis(
        name: "readings",
        summary: "Prints what a channel's meter tells: energy, power, gas and water.",
        operands: .one("ID"),
        options: [
            .value("from", "T", "measured at this time (RFC 3339) or later", required: true),
            .value("to", "T", "measured before this time", required: true),
            .value("resolution", "R", "raw, 15m (default), 1h or 1d"),
            .value("time-zone", "NAME", "whose days they are; Europe/Amsterdam unless given"),
            .value("format", "FORMAT", "json (default), csv or green-button"),
        ],
        notes: """
            Energy is told in kWh, power in kW, gas and water in cubic metres. The range is widened
            to whole intervals. What lies in a gap is marked, and not made up. Readings are looked
            for in messages that claim a time from 2 hours before the range to 6 hours behind it.
            """)

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let id = try arguments.channelOperand()
        let format = (try arguments.choice("format", Format.self) ?? .json).readings
        guard let start = try arguments.time("from"), let end = try arguments.time("to") else {
            throw arguments.wrong("--from and --to are needed")
        }
        let query: ReadingsQuery
        do {
            query = try ReadingsQuery(
                from: start, to: end, try arguments.choice("resolution", Resolution.self),
                timeZone: arguments.value("time-zone"))
        } catch let error as BucketGridError {
            throw arguments.wrong(error.publicText)
        }
        guard format.tells(query.grid.resolution) else {
            throw arguments.wrong("green-button has the resolutions 15m, 1h and 1d")
        }
        let console = context.console
        try await context.withInstance { instance, _, _ in
            let archive = instance.archive
            let channel = try await archive.channel(id)
            // Ends where the channel, or a part of it, is forgotten meanwhile, as over HTTP.
            try await ChannelWatch(archive).during(id, since: channel.readersEpoch) {
                let writer = ReadingsWriter(
                    ReadingsHead(channel: id, grid: query.grid, time: Date()), format)
                let progress = ProgressLine(console)
                var readings = ChannelReadings(archive: archive, channel: channel, query: query)
                var count = 0
                try await writer.write {
                    let batch = try await readings.next()
                    try Task.checkCancellation()
                    count += batch?.tally.messages ?? 0
                    progress.show("\(count) messages read")
                    return batch
                } to: {
                    try console.write(Data($0))
                }
                progress.end()
            }
        }
    }
}
