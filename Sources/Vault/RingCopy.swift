/// A configured copy of the key ring, and whether it has forgotten what the ring has forgotten.
package struct RingCopy: Sendable, Equatable {
    package enum Standing: String, Sendable, Codable {
        /// From it nothing can be derived that the ring does not give.
        case current
        /// It still has keys that were destroyed in the ring.
        case behind
        /// Keys were destroyed in it that the ring still has.
        case ahead
        /// There is no file; a copy is never made by itself, because a disk may be missing there.
        case missing
        /// It is another ring, or no ring that can be read.
        case unusable
        case unreachable
    }

    /// The file's name, with a number where several have the same; no path.
    package let name: String
    package let standing: Standing
    /// Nil where it could not be read.
    package let generation: UInt64?
    /// Whether the copy of the forget log beside it is complete.
    package let hasLog: Bool
    /// What keeps it from being current, for an operator; may tell a path.
    package let detail: String?

    package init(
        name: String, standing: Standing, generation: UInt64?, hasLog: Bool = false,
        detail: String? = nil
    ) {
        self.name = name
        self.standing = standing
        self.generation = generation
        self.hasLog = hasLog
        self.detail = detail
    }

    package var isCurrent: Bool { standing == .current }
}

/// What a change of the ring reached.
package struct RingChange: Sendable, Equatable {
    /// The ring's, after it.
    package let generation: UInt64
    /// Every configured copy, in the order of the configuration.
    package let copies: [RingCopy]

    /// Copies from which keys that were destroyed can perhaps still be derived.
    package var lateCopies: [RingCopy] { copies.filter { !$0.isCurrent } }
}
