import Assembly
import MAM

/// `permanode verify`: everything read, opened, hashed and verified again.
enum VerifyFigures {
    static func measure(_ filled: FilledArchive) async throws -> [Figure] {
        let seconds = try await Timing.seconds(ofLong: {
            let (start, processor) = (ContinuousClock.now, Timing.processSeconds)
            defer {
                noteShare(
                    "verifying", (ContinuousClock.now - start) / .seconds(1),
                    Timing.processSeconds - processor)
            }
            let report = try await ArchiveVerifier(archive: filled.archive).verify { _ in }
            guard report.faults == 0, report.messages >= PublishedChannels.messageCount else {
                throw BenchError("\(report.messages) messages, \(report.faults) faults")
            }
        })
        let requests = Array(filled.published.channels.flatMap(\.requests).prefix(1024))
        let reading = Timing.seconds(rounds: 10) { _ = MessageReader.read(requests, .full) }
        return [
            Figure(
                "verified in the archive", Double(PublishedChannels.messageCount) / seconds,
                "messages/s",
                comparedWith: (
                    "decrypting and verifying alone, one core", Double(requests.count) / reading
                ))
        ]
    }
}
