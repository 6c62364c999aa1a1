import Archive
import Assembly
import Crawler
import Diagnostics
import NodeClient

/// Crawls now.
enum CrawlCommand: Command {
    static let synopsis = Synopsis(
        name: "crawl",
        summary: "Follows the channels through PERMANODE_NODES until it is stopped.",
        options: [
            .flag("until-idle", "looks at every channel now, and ends when none has anything new"),
            .json,
        ])

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        guard arguments.has("until-idle") else {
            let signals = StopSignals()
            return try await context.withInstance(needs: [.nodes]) { instance, configuration, log in
                try await Service(
                    instance, configuration: configuration, roles: [.crawler], log: log
                )
                .run { await signals.wait() }
            }
        }
        let progress = ProgressLine(context.console)
        defer { progress.end() }
        let summary = try await context.withInstance(needs: [.nodes]) {
            instance, configuration, log in
            let nodes = try ReplaceableNodes(configuration, instance.archive.vault)
            // Whom to ask, and for how much at once.
            _ = await nodes.pool.look()
            let crawler = try CrawlService.following(
                nodes, instance, metrics: Metrics(), log: log)
            return try await crawler.crawlUntilIdle { summary in
                progress.show("crawling: \(summary.messages) messages")
            }
        }
        progress.end()
        let result = CrawlSummary(summary)
        try result.write(to: context.console, asJSON: arguments.has("json"))
        if summary.unreachable {
            throw CommandFailure(
                .failed,
                "no node answered as it should, so there may be more: see the warnings and PERMANODE_NODES"
            )
        }
        try result.requireNoFailures()
    }
}

/// What a crawl brought.
struct CrawlSummary: Encodable {
    let messages: Int
    /// Further ones of messages that were there.
    let attachments: Int
    let rejected: Int
    let unreachable: Bool
    /// Channels whose turn ended with an error.
    let failed: Int

    init(_ summary: ChainWalk.Summary) {
        messages = summary.messages
        attachments = summary.attachments
        rejected = summary.rejected
        unreachable = summary.unreachable
        failed = summary.failed
    }

    /// - Throws: where a channel could not be crawled, though the nodes answered.
    func requireNoFailures() throws(CommandFailure) {
        guard failed > 0 else { return }
        throw CommandFailure(
            .failed,
            "\(failed) \(failed == 1 ? "channel" : "channels") could not be crawled: see the errors and channel list"
        )
    }

    func write(to console: Console, asJSON: Bool) throws(CommandFailure) {
        if asJSON {
            try console.json(self)
        } else {
            try console.write(
                Table.fields([
                    ("new messages", String(messages)),
                    ("further attachments", String(attachments)),
                    ("rejected bundles", String(rejected)),
                ]))
        }
    }
}
