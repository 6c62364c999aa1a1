import Archive
import MAM
import Metering

/// What a batch of messages says of a meter.
package struct ReadingBatch: Sendable {
    package private(set) var readings: [Reading] = []
    package private(set) var tally = MessageTally()

    package init() {}

    private init(_ messages: [Message]) {
        readings.reserveCapacity(messages.count)
        var reader = MeterMessageReader()
        for message in messages {
            let isBytes = message.contentTritCount.isMultiple(of: 3)
            let content = isBytes ? MessageText.bytes(message.contentTrytes) : nil
            // What is no text is no telegram.
            reader.read(content ?? [], into: &readings, &tally)
        }
    }

    fileprivate init(_ parts: [ReadingBatch]) {
        readings.reserveCapacity(parts.reduce(0) { $0 + $1.readings.count })
        for part in parts {
            readings += part.readings
            tally += part.tally
        }
    }

    @Sendable fileprivate static func form(_ messages: [Message]) -> ReadingBatch {
        ReadingBatch(messages)
    }
}

extension MessageReading {
    /// What a meter says in messages, in their order.
    ///
    /// - Throws: As `documents`.
    package mutating func readings(of messages: [StoredMessage]) async throws -> ReadingBatch {
        ReadingBatch(try await contents(of: messages, ReadingBatch.form))
    }
}
