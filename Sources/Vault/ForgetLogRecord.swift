/// One entry of the forget log.
package struct ForgetLogRecord: Hashable, Sendable {
    package enum Content: Hashable, Sendable {
        /// Keys that were destroyed: everything at and beneath a node of the key tree.
        case punctured(TreePath)
        /// The keyed hash (32 bytes) of a root that must never come again.
        case tombstone([UInt8])
        /// That a tombstone was lifted, and for the how-manieth time (from 1).
        case lifted([UInt8], time: Int32)
        /// A tombstone that stands again after so many lifts.
        case buriedAgain([UInt8], lifts: Int32)
        /// The keyed hash of the root of a tree of which a part was forgotten: it becomes a
        /// tombstone when the channel is forgotten.
        case partlyForgotten([UInt8], of: ChannelNumber)
    }

    /// Counts from 1.
    package let sequence: UInt64
    package let content: Content
}

/// Whether a tombstone stands, by a number that each change raises: 1 when it is first written, 2
/// when it is lifted, 3 when it is written again. Of two copies of a log or a database the one
/// with the higher number knows it, in whatever order their records are read.
package struct TombstoneState: Hashable, Sendable {
    /// Keyed, 32 bytes.
    package let hash: [UInt8]
    package let version: Int64

    package init(hash: [UInt8], version: Int64) {
        self.hash = hash
        self.version = version
    }

    package init(hash: [UInt8], lifts: Int32, stands: Bool) {
        self.init(hash: hash, version: 2 * Int64(lifts) + (stands ? 1 : 0))
    }

    /// Nil for a record that is about something else.
    package init?(_ content: ForgetLogRecord.Content) {
        switch content {
        case .tombstone(let hash): self.init(hash: hash, lifts: 0, stands: true)
        case .lifted(let hash, let time): self.init(hash: hash, lifts: time, stands: false)
        case .buriedAgain(let hash, let lifts): self.init(hash: hash, lifts: lifts, stands: true)
        case .punctured, .partlyForgotten: return nil
        }
    }

    package var stands: Bool { version % 2 == 1 }

    /// The record that says so.
    package var content: ForgetLogRecord.Content {
        let lifts = Int32(clamping: version / 2)
        guard stands else { return .lifted(hash, time: lifts) }
        return lifts == 0 ? .tombstone(hash) : .buriedAgain(hash, lifts: lifts)
    }
}

/// How far a forget log goes, and what is in it up to there: two logs with the same head say
/// the same.
package struct ForgetLogHead: Hashable, Sendable {
    /// Of the last record; 0 where there is none.
    package let sequence: UInt64
    /// The last record's check value, 16 bytes, which depends on all records before.
    package let check: [UInt8]

    package init(sequence: UInt64, check: [UInt8]) {
        self.sequence = sequence
        self.check = check
    }
}
