import Assembly
import MAM
import Vault

/// `permanode verify`: everything read, opened, hashed and verified again.
enum VerifyFigures {
    /// All channels, each of few messages.
    static func measure(_ filled: FilledArchive) async throws -> [Figure] {
        [
            try await figure(
                "verified in the archive, \(PublishedChannels.channelCount) channels", of: nil,
                count: PublishedChannels.messageCount, in: filled)
        ]
    }

    /// Messages of the long channel: a quarter of a meter's day.
    private static let longCount = 21_600

    /// One channel of many messages.
    static func measureLong(_ filled: FilledArchive) async throws -> [Figure] {
        let channel = filled.channels[1]
        try await LongChannel.grow(
            channel, to: longCount, evidence: .real, in: filled.archive)
        return [
            try await figure(
                "verified in the archive, one channel of \(longCount) messages", of: channel,
                count: longCount, in: filled)
        ]
    }

    private static func figure(
        _ name: String, of channel: ChannelNumber?, count: Int, in filled: FilledArchive
    ) async throws -> Figure {
        let seconds = try await Timing.seconds(ofLong: {
            let (start, processor) = (ContinuousClock.now, Timing.processSeconds)
            let report = try await ArchiveVerifier(archive: filled.archive).verify(
                channel: channel
            ) { _ in }
            guard report.faults == 0, report.messages == count else {
                throw BenchError("\(report.messages) messages, \(report.faults) faults")
            }
            noteShare(
                "verifying", (ContinuousClock.now - start) / .seconds(1),
                Timing.processSeconds - processor)
        })
        let requests = Array(filled.published.channels.flatMap(\.requests).prefix(1024))
        let reading = Timing.seconds(rounds: 10) { _ = MessageReader.read(requests, .full) }
        return Figure(
            name, Double(count) / seconds, "messages/s",
            comparedWith: (
                "decrypting and verifying alone, one core", Double(requests.count) / reading
            ))
    }
}
