import Secrets
import Synchronization

/// Seals, opens, hashes and forgets under the keys of a key ring.
///
/// No data key is stored anywhere: each is derived from the key tree (`KeyTree`) when it is
/// needed, and once forgotten it can be derived by nobody.
///
/// Several processes may have vaults on one ring. A vault looks at most `freshness` before each
/// use whether the file has changed, and refuses to work while it cannot tell or while an older
/// ring lies there. Changing the ring waits for the disk (milliseconds).
package final class Vault: Sendable {
    /// How old the latest look at the ring file may be when a key is used.
    package static let defaultFreshness: Duration = .milliseconds(250)

    private struct State {
        var loaded: KeyRingFile.Loaded
        var lookedAt: ContinuousClock.Instant
        var cache = DerivedKeyCache()
    }

    /// Signs receipts and what else others must be able to check.
    package let signingKey: SigningKey
    /// Tells this ring from others; no secret. Hexadecimal.
    package let ringIdentifier: String

    /// What was found and mended when this vault was opened.
    package let notices: [VaultNotice]

    let file: KeyRingFile
    let log: ForgetLog
    let copyFiles: RingCopies
    private let freshness: Duration
    let keys: GlobalKeys
    private let state: Mutex<State>

    /// Reads the ring, clears away what an interrupted change left behind, and destroys in it
    /// whatever the forget log names. A damaged ring is replaced by a copy if there is one.
    ///
    /// - Parameter copies: of the ring, to be kept current.
    /// - Throws: `VaultError` of reading a ring and its log.
    package init(
        ring file: KeyRingFile, copies: [KeyRingFile] = [],
        freshness: Duration = Vault.defaultFreshness
    ) throws {
        let now = ContinuousClock.now
        copyFiles = RingCopies(copies)
        let opening = try VaultOpening(file, copies: copyFiles)
        let ring = opening.loaded.ring
        self.file = file
        self.freshness = freshness
        log = opening.log
        notices = opening.notices
        keys = try GlobalKeys(ring)
        signingKey = try SigningKey(seed: ring.key(.signing))
        ringIdentifier = Hex.encode(ring.identifier)
        state = Mutex(State(loaded: opening.loaded, lookedAt: now))
    }

    /// Seals a value for one place: `AEAD.overhead` bytes longer.
    ///
    /// - Throws: `VaultError.forgotten`, or those of reading a ring.
    package func seal(
        _ plaintext: [UInt8], _ context: SealingContext
    ) throws(VaultError) -> [UInt8] {
        try withKey(context) { key, associatedData throws(SecretsError) in
            try AEAD.seal(plaintext, key: key, associatedData: associatedData)
        }
    }

    /// Seals a secret for one place.
    package func seal(
        _ plaintext: SecretBytes, _ context: SealingContext
    ) throws(VaultError) -> [UInt8] {
        try withKey(context) { key, associatedData throws(SecretsError) in
            try AEAD.seal(plaintext, key: key, associatedData: associatedData)
        }
    }

    /// Opens what was sealed for this place.
    ///
    /// - Throws: `VaultError.forgotten`; `wrongKeyOrDamaged`, also for a value from another
    ///   place; or those of reading a ring.
    package func open(_ sealed: [UInt8], _ context: SealingContext) throws(VaultError) -> [UInt8] {
        try withKey(context) { key, associatedData throws(SecretsError) in
            try AEAD.open(sealed, key: key, associatedData: associatedData)
        }
    }

    /// Opens a secret, which goes into locked memory directly.
    package func openSecret(
        _ sealed: [UInt8], _ context: SealingContext
    ) throws(VaultError) -> SecretBytes {
        try withKey(context) { key, associatedData throws(SecretsError) in
            try AEAD.openSecret(sealed, key: key, associatedData: associatedData)
        }
    }

    /// Seals a cursor handed to a reader; `scope` says what it may be used for.
    package func sealCursor(_ bytes: [UInt8], scope: String) throws(VaultError) -> [UInt8] {
        do {
            return try AEAD.seal(bytes, key: keys.cursor, associatedData: Array(scope.utf8))
        } catch {
            throw .wrongKeyOrDamaged(place: "a cursor")
        }
    }

    /// Opens a cursor.
    ///
    /// - Throws: `VaultError.wrongKeyOrDamaged`, also for one of another scope.
    package func openCursor(_ sealed: [UInt8], scope: String) throws(VaultError) -> [UInt8] {
        do {
            return try AEAD.open(sealed, key: keys.cursor, associatedData: Array(scope.utf8))
        } catch {
            throw .wrongKeyOrDamaged(place: "a cursor")
        }
    }

    /// A random number of which no key has been forgotten. That no other channel has it is for the
    /// database to check.
    ///
    /// - Throws: `VaultError.ringFull`, or those of reading a ring.
    package func newChannelNumber() throws(VaultError) -> ChannelNumber {
        let attempts = 100
        return try withRing { state throws(VaultError) in
            for _ in 0..<attempts {
                let number = ChannelNumber.random()
                if state.loaded.ring.tree.isWhole(TreePath(number)) { return number }
            }
            throw .ringFull
        }
    }

    /// Changes the ring, after a look that the one on disk is no older than the one held.
    func change(
        wrap: KeyRingFile.WrapChoice = .asItIs, _ body: (KeyRing) throws(VaultError) -> KeyRing
    ) throws(VaultError) {
        let held = currentRing
        let loaded = try file.change(wrap: wrap) { ring throws(VaultError) in
            try check(ring, after: held)
            return try body(ring)
        }
        state.withLock { state in
            // Another thread may have read a still newer one meanwhile.
            guard loaded.ring.tree.isWithin(state.loaded.ring.tree) else { return }
            Self.install(loaded, in: &state)
        }
    }

    /// As this vault last saw it.
    var currentRing: KeyRing { state.withLock { $0.loaded.ring } }
    var currentWrap: RingWrap? { state.withLock { $0.loaded.wrap } }

    /// Whether nothing of a channel can be opened any more.
    package func isForgotten(_ channel: ChannelNumber) throws(VaultError) -> Bool {
        try withRing { $0.loaded.ring.tree.isPunctured(TreePath(channel)) }
    }

    /// Whether nothing of a channel's period can be opened any more.
    package func isForgotten(_ channel: ChannelNumber, _ period: Period) throws(VaultError) -> Bool
    {
        try withRing { $0.loaded.ring.tree.isPunctured(TreePath(channel, period)) }
    }

    /// Changes to the ring since it was made, as this vault knows it.
    package var generation: UInt64 { state.withLock { $0.loaded.ring.generation } }

    /// Nodes of the key tree, which the size of the ring follows (41 bytes each).
    package var nodeCount: Int { state.withLock { $0.loaded.ring.tree.nodeCount } }

    /// Looks at the ring file now, and reads it if it has changed.
    ///
    /// - Throws: `VaultError` of reading a ring; `ringReplaced`, `ringWentBack`.
    package func refresh() throws(VaultError) {
        try state.withLock { state throws(VaultError) in try look(&state) }
    }

    private func withKey<Result>(
        _ context: SealingContext,
        _ body: (SecretBytes, _ associatedData: [UInt8]) throws(SecretsError) -> Result
    ) throws(VaultError) -> Result {
        let key = try leafKey(context.channel, context.period, .seal)
        do {
            return try body(key, context.associatedData)
        } catch {
            throw .wrongKeyOrDamaged(place: "\(context.table).\(context.column)")
        }
    }

    func leafKey(
        _ channel: ChannelNumber, _ period: Period, _ use: LeafUse
    ) throws(VaultError) -> SecretBytes {
        let name = DerivedKeyCache.Name(leaf: TreePath(channel, period), use: use)
        return try withRing { state throws(VaultError) in
            if let key = state.cache.key(name) { return key }
            guard let key = state.loaded.ring.tree.derive(name.leaf, use: use) else {
                throw .forgotten(channel)
            }
            state.cache.insert(key, name)
            return key
        }
    }

    /// Runs `body` on a ring that is fresh enough.
    private func withRing<Result: Sendable>(
        _ body: (inout State) throws(VaultError) -> Result
    ) throws(VaultError) -> Result {
        try state.withLock { state throws(VaultError) in
            if ContinuousClock.now - state.lookedAt > freshness { try look(&state) }
            return try body(&state)
        }
    }

    private func look(_ state: inout State) throws(VaultError) {
        let now = ContinuousClock.now
        if try file.identity() != state.loaded.identity {
            let loaded = try file.loadWithIdentity()
            try check(loaded.ring, after: state.loaded.ring)
            Self.install(loaded, in: &state)
        }
        state.lookedAt = now
    }

    /// Refuses a ring from which keys could be derived that `held` cannot derive any more.
    private func check(_ ring: KeyRing, after held: KeyRing) throws(VaultError) {
        guard ring.identifier == held.identifier else {
            throw .ringReplaced(path: file.path)
        }
        guard ring.tree.isWithin(held.tree) else {
            throw .ringWentBack(
                path: file.path, held: held.generation, found: ring.generation)
        }
    }

    private static func install(_ loaded: KeyRingFile.Loaded, in state: inout State) {
        state = State(loaded: loaded, lookedAt: .now)
    }
}
