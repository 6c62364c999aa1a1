import MAM

/// Finding, fetching, hashing, verifying and storing messages, with node, crawler and database
/// on one machine.
enum CrawlFigures {
    /// A sample is enough: all messages are alike.
    private static let sample = 512

    static func measure(_ filled: FilledArchive) -> [Figure] {
        let requests = Array(filled.published.channels.flatMap(\.requests).prefix(sample))
        let seconds = Timing.seconds { _ = MessageReader.read(requests, .full) }
        return [
            Figure(
                "crawled, verified and stored, \(PublishedChannels.channelCount) channels at once",
                Double(PublishedChannels.messageCount) / filled.crawlSeconds, "messages/s",
                comparedWith: (
                    "decrypting and verifying alone, one core", Double(requests.count) / seconds
                ))
        ]
    }
}
