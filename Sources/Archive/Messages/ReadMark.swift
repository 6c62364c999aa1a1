import Foundation

/// What of a message decides who may read it, and what is recorded of a read.
package struct ReadMark: Sendable, Hashable {
    package let sequence: Int64
    let position: Int64
    let firstSeenAt: Date
    /// The day (since 1970, UTC) it claims; nil where that is no time.
    let claimedDay: Int32?
}

extension StoredMessage {
    package var mark: ReadMark {
        ReadMark(
            sequence: sequence, position: position, firstSeenAt: firstSeenAt,
            claimedDay: head.claimedDay)
    }
}
