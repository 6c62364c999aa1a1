/// A node of the key tree: the way to it from the root, a bit a step.
///
/// Bits 0 ..< 48 are the channel number's, the highest first, bits 48 ..< 64 the period's.
package struct TreePath: Hashable, Sendable {
    /// Steps from the root to a leaf.
    package static let leafDepth = ChannelNumber.bitCount + Period.bitCount

    package static let root = TreePath(bits: 0, depth: 0)

    /// The first step is the highest bit; bits beyond `depth` are 0.
    package let bits: UInt64
    /// 0 (the root) ... 64 (a leaf).
    package let depth: Int

    private init(bits: UInt64, depth: Int) {
        self.bits = bits
        self.depth = depth
    }

    /// Nil for a depth outside 0...64 or bits beyond it.
    package init?(checking bits: UInt64, depth: Int) {
        guard (0...Self.leafDepth).contains(depth), bits & Self.below(depth) == 0 else {
            return nil
        }
        self.init(bits: bits, depth: depth)
    }

    /// The node above all of a channel's leaves.
    package init(_ channel: ChannelNumber) {
        self.init(
            bits: UInt64(channel.rawValue) << UInt64(Period.bitCount),
            depth: ChannelNumber.bitCount)
    }

    /// The leaf of a channel's period.
    package init(_ channel: ChannelNumber, _ period: Period) {
        let node = TreePath(channel)
        self.init(bits: node.bits | UInt64(period.rawValue), depth: Self.leafDepth)
    }

    /// The fewest nodes above all leaves of a channel's periods before `period`, and no others: one for
    /// each bit of it that is 1, because what is smaller goes left there.
    package static func before(_ period: Period, of channel: ChannelNumber) -> [TreePath] {
        let end = TreePath(channel, period)
        return (ChannelNumber.bitCount..<leafDepth).filter(end.goesRight).map { depth in
            TreePath(bits: end.bits & ~below(depth), depth: depth).child(right: false)
        }
    }

    /// Whether `other` is this node or lies beneath it.
    package func contains(_ other: TreePath) -> Bool {
        other.depth >= depth && (other.bits ^ bits) & ~Self.below(depth) == 0
    }

    /// Whether the step taken at `depth` (0 ..< this node's) is to the right.
    func goesRight(at depth: Int) -> Bool {
        bits >> UInt64(Self.leafDepth - 1 - depth) & 1 == 1
    }

    /// A child; only of nodes above the leaves.
    func child(right: Bool) -> TreePath {
        let step: UInt64 = right ? 1 << UInt64(Self.leafDepth - 1 - depth) : 0
        return TreePath(bits: bits | step, depth: depth + 1)
    }

    /// The last of the leaves beneath this node.
    var lastLeafBits: UInt64 { bits | Self.below(depth) }

    /// The bits that a node at `depth` leaves open.
    private static func below(_ depth: Int) -> UInt64 {
        depth == 0 ? .max : (1 << UInt64(leafDepth - depth)) - 1
    }
}

extension TreePath: Comparable {
    /// By place in the tree from left to right, what is above before what is beneath.
    package static func < (left: TreePath, right: TreePath) -> Bool {
        (left.bits, left.depth) < (right.bits, right.depth)
    }
}
