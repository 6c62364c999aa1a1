import Secrets

/// What the key ring file holds: the key tree and the key for what belongs to no channel.
package struct KeyRing: Sendable {
    /// What a key outside the tree is for. The numbers are part of what is stored: never reuse one.
    enum Purpose: UInt64, Sendable {
        /// Which roots are registered.
        case registration = 1
        /// Which roots must never come again.
        case tombstone = 2
        /// Access tokens at rest.
        case token = 3
        /// Subjects at rest.
        case subject = 4
        /// Cursors handed to readers.
        case cursor = 5
        /// The Ed25519 seed that signs receipts.
        case signing = 6
        /// The checks of the forget log.
        case forgetLog = 7
        /// What transactions are found by with a node's commands.
        case nodeLookup = 8
    }

    package static let identifierCount = 16

    /// 16 random bytes that tell this ring from others; no secret.
    package let identifier: [UInt8]
    /// Changes since it was made; grows with each.
    package let generation: UInt64
    package let tree: KeyTree
    /// 32 bytes, the parent of the keys of each `Purpose`.
    let global: SecretBytes

    init(identifier: [UInt8], generation: UInt64, tree: KeyTree, global: SecretBytes) {
        self.identifier = identifier
        self.generation = generation
        self.tree = tree
        self.global = global
    }

    /// A new ring, from random bytes.
    package static func generate() throws(VaultError) -> KeyRing {
        guard let tree = KeyTree(paths: [.root], keys: .random(KeyTree.keyCount)) else {
            throw .ringFull
        }
        return KeyRing(
            identifier: randomBytes(identifierCount), generation: 1, tree: tree,
            global: .random(KeyDerivation.keyCount))
    }

    /// The ring without the keys at and beneath `holes`, a generation later; this ring where
    /// those are gone already.
    ///
    /// - Throws: `VaultError.ringFull`.
    package func punctured(_ holes: [TreePath]) throws(VaultError) -> KeyRing {
        let punctured = try tree.punctured(holes)
        guard punctured.paths != tree.paths else { return self }
        return KeyRing(
            identifier: identifier, generation: generation &+ 1, tree: punctured, global: global)
    }

    /// The same with a later generation, if need be.
    func raised(above generation: UInt64) -> KeyRing {
        guard generation >= self.generation else { return self }
        return KeyRing(
            identifier: identifier, generation: generation &+ 1, tree: tree, global: global)
    }

    /// The key for one purpose, 32 bytes.
    func key(_ purpose: Purpose) throws(SecretsError) -> SecretBytes {
        try KeyDerivation.derive(
            from: global, subkey: purpose.rawValue, context: Self.globalContext)
    }

    private static let globalContext = KeyDerivation.Context("pmn.glob")
}
