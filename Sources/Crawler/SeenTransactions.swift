import Archive
import Ternary
import Vault

/// Which transactions at a tree's address were fetched and judged already, so that junk is
/// not fetched again.
///
/// Bounded and forgetful: it holds fingerprints, and a tree that exceeds its share, or the
/// trees looked at the longest ago when all is full, start anew. Forgetting costs a second
/// fetch; a fingerprint is 64 bits under a key of this process, so nobody can make one
/// transaction hide another. What is known of one tree says nothing of another, even at the
/// same address: a chain that leads back to itself has to be seen to do so.
package struct SeenTransactions: Sendable {
    private struct Key: Hashable {
        let channel: ChannelNumber
        let position: Int64
    }

    private struct Tree: Sendable {
        var judged: Set<Int> = []
        var unresolved: Set<Int> = []
        var unconfirmed: [Hash] = []
        var keysTried = 0
        var looks = 0
        var lookedAt: UInt64 = 0

        /// What it takes of the room for all; a tree takes some even where nothing was seen.
        var weight: Int { judged.count + unresolved.count + 8 }
    }

    private var trees: [Key: Tree] = [:]
    /// Of all trees.
    package private(set) var weight = 0
    private var clock: UInt64 = 0
    private let perTree: Int
    private let inAll: Int

    package init(perTree: Int, inAll: Int) {
        self.perTree = perTree
        self.inAll = inAll
    }

    /// What is remembered for a look at a tree.
    package struct Memory: Sendable {
        fileprivate var judged: Set<Int> = []
        fileprivate var unresolved: Set<Int> = []
        /// Tails of messages that were not confirmed when last asked.
        package fileprivate(set) var unconfirmed: [Hash] = []
        /// Side keys that what waits was tried with.
        package fileprivate(set) var keysTried = 0
        /// Looks so far: says whose turn it is among what is unresolved.
        package fileprivate(set) var looks = 0

        /// Of a tree that was never looked at.
        package init() {}

        /// Whether the transaction need not be fetched again.
        package func isJudged(_ hash: Hash) -> Bool { judged.contains(hash.hashValue) }

        /// Whether it was asked for in vain, or is the tail of an incomplete bundle.
        package func isUnresolved(_ hash: Hash) -> Bool { unresolved.contains(hash.hashValue) }
    }

    /// - Parameter keys: How many side keys the channel has. With another number of keys
    ///   than before every judgement may turn out differently, so all are forgotten.
    package mutating func memory(of channel: ChannelNumber, at position: Int64, keys: Int)
        -> Memory
    {
        clock += 1
        let key = Key(channel: channel, position: position)
        trees[key]?.lookedAt = clock
        var memory = Memory()
        guard let tree = trees[key] else { return memory }
        memory.unconfirmed = tree.unconfirmed
        memory.looks = tree.looks
        guard tree.keysTried == keys else { return memory }
        memory.keysTried = keys
        memory.judged = tree.judged
        memory.unresolved = tree.unresolved
        return memory
    }

    /// Takes in what a look at one tree judged.
    package mutating func remember(_ report: TreeReport, of channel: ChannelNumber, keys: Int) {
        clock += 1
        let key = Key(channel: channel, position: report.tree.position)
        var tree = trees[key] ?? Tree()
        if trees[key] != nil { weight -= tree.weight }
        if tree.keysTried != keys {
            tree.judged = []
            tree.unresolved = []
        }
        tree.judged.formUnion(report.judged.lazy.map(\.hashValue))
        tree.unresolved.formUnion(report.unresolved.lazy.map(\.hashValue))
        tree.unresolved.subtract(report.judged.lazy.map(\.hashValue))
        if tree.judged.count + tree.unresolved.count > perTree {
            tree.judged = []
            tree.unresolved = []
        }
        tree.unconfirmed = report.unconfirmed
        tree.keysTried = keys
        tree.looks += 1
        tree.lookedAt = clock
        trees[key] = tree
        weight += tree.weight
        makeRoom(besides: key)
    }

    /// Forgets half of all trees, those looked at the longest ago, when all is full: rarely
    /// much, instead of often little.
    private mutating func makeRoom(besides key: Key) {
        guard weight > inAll else { return }
        let others = trees.filter { $0.key != key }.sorted { $0.value.lookedAt < $1.value.lookedAt }
        for (place, other) in others.enumerated() {
            guard place <= others.count / 2 || weight > inAll else { return }
            forget(other.key.channel, position: other.key.position)
        }
    }

    /// The channels of which something is remembered.
    package var channels: Set<ChannelNumber> { Set(trees.keys.lazy.map(\.channel)) }

    /// Nothing is remembered of channels any more.
    package mutating func forget(_ channels: Set<ChannelNumber>) {
        for key in trees.keys.filter({ channels.contains($0.channel) }) {
            forget(key.channel, position: key.position)
        }
    }

    /// A tree is no longer looked at.
    package mutating func forget(_ channel: ChannelNumber, position: Int64) {
        let key = Key(channel: channel, position: position)
        weight -= trees.removeValue(forKey: key)?.weight ?? 0
    }
}
