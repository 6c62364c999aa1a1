import Archive
import Foundation
import MAM
import Metering

/// What a batch of messages says of a meter.
package struct ReadingBatch: Sendable {
    package private(set) var readings: [Reading] = []
    package private(set) var tally = MessageTally()
    /// The messages that were read.
    private(set) var marks: [ReadMark] = []

    package init() {}

    fileprivate init(_ messages: [Message], _ marks: [ReadMark]) {
        self.marks = marks
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
        marks.reserveCapacity(parts.reduce(0) { $0 + $1.marks.count })
        for part in parts {
            readings += part.readings
            tally += part.tally
            marks += part.marks
        }
    }
}

extension MessageReading {
    /// What a meter says in those of the messages that claim a time within `claims`, in their
    /// order. All of it, from opening a row to taking a telegram apart, is done in one go for some
    /// messages each, on all processors.
    ///
    /// - Throws: As `documents`.
    mutating func readings(
        of messages: [SealedMessage], claimedWithin claims: Range<Date>, in archive: Archive
    ) async throws -> ReadingBatch {
        let parts = try await parts(of: messages, sideKey: \.sideKey) { part, keys in
            var (requests, marks): ([ReadRequest], [ReadMark]) = ([], [])
            requests.reserveCapacity(part.count)
            marks.reserveCapacity(part.count)
            for message in part {
                let request = try archive.readRequest(
                    message, of: keys.channel, claimedWithin: claims,
                    sideKey: keys.sideKey(message.sideKey, of: message.mark.sequence))
                guard let request else { continue }
                requests.append(request)
                marks.append(message.mark)
            }
            return ReadingBatch(try keys.decrypted(requests, of: marks.map(\.sequence)), marks)
        }
        return ReadingBatch(parts)
    }
}
