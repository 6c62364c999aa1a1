import Foundation
import Metering
import Vault

/// What an answer is about.
package struct ReadingsHead: Sendable {
    package let channel: ChannelNumber
    package let grid: BucketGrid
    /// When it is told.
    package let time: Date

    package init(channel: ChannelNumber, grid: BucketGrid, time: Date) {
        self.channel = channel
        self.grid = grid
        self.time = time
    }
}

/// What became of the messages that were read.
struct ReadingsSummary: Sendable {
    var tally = MessageTally()
    var duplicates = 0
    var outside = 0
    /// Nil for single readings.
    var gapSeconds: Int64?
}

/// How readings are told in a format: a beginning, readings or buckets, an end.
protocol ReadingsLayout: Sendable {
    /// What can be said before anything was read.
    func start(_ head: ReadingsHead) -> [UInt8]
    mutating func readings(_ readings: [Reading]) -> [UInt8]
    func write(
        _ buckets: [Bucket], _ head: ReadingsHead, to sink: ReadingsWriter.Sink) async throws
    func end(_ summary: ReadingsSummary) -> [UInt8]
    /// What may stand between start and buckets and says nothing.
    var filling: [UInt8] { get }
}

extension ReadingsFormat {
    fileprivate var layout: any ReadingsLayout {
        switch self {
        case .json: ReadingsJSON()
        case .csv: ReadingsTable()
        case .greenButton: GreenButton()
        }
    }

    /// Whether readings can be told so in this resolution: Green Button has intervals alone.
    package func tells(_ resolution: Resolution) -> Bool {
        self != .greenButton || resolution != .raw
    }
}

/// Tells readings as they come, or what they add up to when all have come. Nothing is kept but
/// that.
package struct ReadingsWriter: Sendable {
    package typealias Sink = @Sendable (_ bytes: [UInt8]) async throws -> Void

    /// Buckets of a part: some hundred kilobytes.
    static let bucketsAtOnce = 256
    /// Less than a second.
    private static let batchesOfSilence = 16

    private let head: ReadingsHead
    private let format: ReadingsFormat

    package init(_ head: ReadingsHead, _ format: ReadingsFormat) {
        self.head = head
        self.format = format
    }

    /// - Parameter next: The next batch; nil at the end.
    package func write(
        _ next: () async throws -> ReadingBatch?, to sink: @escaping Sink
    ) async throws {
        var layout = format.layout
        try await sink(layout.start(head))
        var summary = ReadingsSummary()
        if head.grid.resolution == .raw {
            var filter = ReadingFilter(head.grid)
            while let batch = try await next() {
                summary.tally += batch.tally
                let bytes = layout.readings(filter.filtered(batch.readings))
                if !bytes.isEmpty { try await sink(bytes) }
            }
            summary.duplicates = filter.duplicates
            summary.outside = filter.outside
        } else {
            var aggregation = Aggregation(head.grid)
            var count = 0
            while let batch = try await next() {
                summary.tally += batch.tally
                aggregation.add(batch.readings)
                count += 1
                // Shows who waits that something comes, and whether there is still who waits.
                if count.isMultiple(of: Self.batchesOfSilence) { try await sink(layout.filling) }
            }
            let result = aggregation.finished()
            summary.duplicates = result.duplicates
            summary.outside = result.outside
            summary.gapSeconds = result.gapSeconds
            try await layout.write(result.buckets, head, to: sink)
        }
        try await sink(layout.end(summary))
    }
}
