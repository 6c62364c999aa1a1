import Ternary

/// What a node's feed tells of one transaction (tangle, *ZMQ*): `tx hash address value …`. A hint
/// where to look, never the record.
package struct FeedMessage: Sendable, Hashable {
    /// What messages of transactions begin with; a feed is asked for these alone.
    static let topic = "tx "

    package let hash: Hash
    package let address: Hash

    package init(hash: Hash, address: Hash) {
        (self.hash, self.address) = (hash, address)
    }

    /// Nil for what is no message of a transaction.
    init?(_ bytes: UnsafeRawBufferPointer) {
        let topic = Self.topic.utf8
        guard bytes.starts(with: topic) else { return nil }
        let fields = bytes.dropFirst(topic.count).split(
            separator: UInt8(ascii: " "), maxSplits: 2, omittingEmptySubsequences: false)
        guard fields.count >= 2,
            let hash = try? Hash(trytes: Trytes(ascii: Array(fields[0]))),
            let address = try? Hash(trytes: Trytes(ascii: Array(fields[1])))
        else { return nil }
        self.init(hash: hash, address: address)
    }
}
