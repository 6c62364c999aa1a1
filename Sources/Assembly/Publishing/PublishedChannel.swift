import MAM
import Tangle
import Ternary

/// What who writes a channel keeps of it, so that no leaf ever signs two messages, whatever ends
/// the program (mam-v0, *Signatures*: a leaf that signs twice can be forged with). Trees of one
/// leaf, as those of devices.
///
/// A value: a message is written into it before anything of the message leaves, and it is saved
/// between the two; a message that was cut off is sent again as it is.
package struct PublishedChannel: Sendable {
    /// A message that was signed, and that the ledger may not have yet.
    package struct Pending: Sendable, Hashable {
        package let payload: Trytes
        package let address: Hash
        /// Of its bundle: seconds since 1970.
        package let timestamp: Int64
        /// As it is attached, index 0 first; empty before.
        package fileprivate(set) var attached: [Transaction] = []
        /// When that was: seconds since 1970.
        package fileprivate(set) var attachedAt: Int64 = 0

        package init(
            payload: Trytes, address: Hash, timestamp: Int64, attached: [Transaction] = [],
            attachedAt: Int64 = 0
        ) {
            self.payload = payload
            self.address = address
            self.timestamp = timestamp
            self.attached = attached
            self.attachedAt = attachedAt
        }

        /// Index 0 first, not attached.
        package func bundle(tag: Trytes) throws(TangleError) -> [Transaction] {
            try BundleBuilder.bundle(
                address: address, messageTrytes: payload, tag: tag, timestamp: timestamp)
        }
    }

    package let seed: Seed
    package let mode: ChannelMode
    /// Of a restricted channel.
    package let sideKey: SideKey?
    /// 1...3.
    package let securityLevel: Int
    /// The tree of the message that comes next, from 0.
    package private(set) var tree: UInt64
    package private(set) var pending: Pending?

    /// - Throws: `WriteError` for values that make no channel.
    package init(
        seed: Seed, mode: ChannelMode, sideKey: SideKey?, securityLevel: Int, tree: UInt64 = 0,
        pending: Pending? = nil
    ) throws(WriteError) {
        self.seed = seed
        self.mode = mode
        self.sideKey = sideKey
        self.securityLevel = securityLevel
        self.tree = tree
        self.pending = pending
        _ = try writer(at: tree)
    }

    private func writer(at tree: UInt64) throws(WriteError) -> ChannelWriter {
        try ChannelWriter(
            seed: seed, mode: mode, sideKey: sideKey, securityLevel: securityLevel, tree: tree)
    }

    /// The root that readers register the channel with.
    package func firstRoot() throws(WriteError) -> Root { try writer(at: 0).root }

    /// The root, and where it leads, of the message that comes next.
    package func next() throws(WriteError) -> (root: Root, address: Hash) {
        let writer = try writer(at: tree)
        return (writer.root, writer.address)
    }

    /// Signs a message with the next leaf, which is used from here on. To be saved before
    /// anything of it is sent.
    ///
    /// - Throws: `WriteError`; then no leaf was used. `exhausted` also while a message is pending.
    package mutating func write(_ text: String, at timestamp: Int64) throws(WriteError) {
        guard pending == nil else { throw .exhausted }
        var writer = try writer(at: tree)
        let written = try writer.write(text)
        pending = Pending(
            payload: written.payload, address: written.address, timestamp: timestamp)
        tree = writer.tree
    }

    /// The pending message was attached so. To be saved before it is sent: what is sent again is
    /// the same to the trit then.
    package mutating func attach(_ transactions: [Transaction], at time: Int64) {
        pending?.attached = transactions
        pending?.attachedAt = time
    }

    /// A node took the pending message.
    package mutating func sent() { pending = nil }
}
