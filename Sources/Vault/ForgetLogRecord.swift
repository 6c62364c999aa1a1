/// One entry of the forget log.
package struct ForgetLogRecord: Hashable, Sendable {
    package enum Content: Hashable, Sendable {
        /// Keys that were destroyed: everything at and beneath a node of the key tree.
        case punctured(TreePath)
        /// The keyed hash (32 bytes) of a root that must never come again.
        case tombstone([UInt8])
    }

    /// Counts from 1.
    package let sequence: UInt64
    package let content: Content
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
