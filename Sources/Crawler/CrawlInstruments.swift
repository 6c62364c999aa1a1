import Diagnostics

/// What the crawler counts; no label tells of a channel.
package struct CrawlInstruments: Sendable {
    package init(_ metrics: Metrics) throws {
    }

    func record(_ summary: ChainWalk.Summary, seconds: Double) {
    }
}
