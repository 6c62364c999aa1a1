import Secrets
import Synchronization

/// What a ring file is sealed under: the public part stands in the file, the key nowhere.
struct RingWrap: Sendable, Equatable {
    /// How the key comes from the operator's secret. The numbers stand in files.
    enum Kind: UInt8, Sendable {
        /// Argon2id: people's passphrases are weak.
        case passphrase = 1
        /// Keyed BLAKE2b: the secret is 32 random bytes or more.
        case key = 2
    }

    struct Header: Sendable, Hashable {
        let kind: Kind
        /// 16 random bytes, new with each `rotate`.
        let salt: [UInt8]
        let cost: PassphraseKey.Cost
    }

    let header: Header
    /// 32 bytes.
    let key: SecretBytes
}

/// Where the secret lies that the key ring's file is wrapped under.
package enum RingSecretSource: Sendable, Equatable {
    case passphraseFile(String)
    /// 32 bytes or more.
    case keyFile(String)
    /// Prints 32 bytes or more; see `SecretCommand`.
    case command(String)

    var kind: RingWrap.Kind {
        if case .passphraseFile = self { .passphrase } else { .key }
    }

    func read() throws(SecretsError) -> SecretBytes {
        switch self {
        case .passphraseFile(let path), .keyFile(let path): try SecretInput.read(from: path)
        case .command(let line): try SecretCommand.read(line)
        }
    }
}

/// Gives the keys that ring files are wrapped under.
///
/// A key is derived once for each salt: Argon2id takes a second and 256 MiB, and the ring is
/// looked at four times a second. What could not be had is not asked for again at once either.
package final class RingWrapping: Sendable {
    private struct State {
        var keys: [RingWrap.Header: SecretBytes] = [:]
        var failure: (header: RingWrap.Header, error: VaultError, until: ContinuousClock.Instant)?
    }

    /// Salts whose keys are kept: of the ring, of its copies, and of those before a rotation.
    private static let maximumKeys = 32
    /// How long a secret that could not be had or was wrong is not asked for again.
    private static let patience: Duration = .seconds(10)
    private static let minimumKeyCount = 32

    private let source: RingSecretSource
    private let cost: PassphraseKey.Cost
    private let state = Mutex(State())

    package init(_ source: RingSecretSource, cost: PassphraseKey.Cost = .standard) {
        self.source = source
        self.cost = cost
    }

    /// A wrap with a new salt.
    func new() throws(VaultError) -> RingWrap {
        let header = RingWrap.Header(
            kind: source.kind, salt: randomBytes(PassphraseKey.saltCount),
            cost: source.kind == .key ? .none : cost)
        return RingWrap(header: header, key: try key(for: header, path: nil))
    }

    /// The wrap of a file that has this header.
    ///
    /// - Throws: `VaultError.ringLocked` where the secret cannot be had or is of another kind.
    func wrap(_ header: RingWrap.Header, path: String) throws(VaultError) -> RingWrap {
        RingWrap(header: header, key: try key(for: header, path: path))
    }

    /// Told that a key did not open the file: the secret that it came of was not the right one.
    func refuse(_ header: RingWrap.Header, path: String) -> VaultError {
        let error = VaultError.ringLocked(path: path, reason: "the secret does not open it")
        state.withLock { state in
            state.keys[header] = nil
            state.failure = (header, error, ContinuousClock.now + Self.patience)
        }
        return error
    }

    private func key(
        for header: RingWrap.Header, path: String?
    ) throws(VaultError) -> SecretBytes {
        let path = path ?? "the key ring"
        return try state.withLock { state throws(VaultError) in
            if let key = state.keys[header] { return key }
            if let failure = state.failure, failure.header == header,
                ContinuousClock.now < failure.until
            {
                throw failure.error
            }
            do throws(VaultError) {
                let key = try derive(header, path)
                if state.keys.count >= Self.maximumKeys { state.keys = [:] }
                state.keys[header] = key
                return key
            } catch {
                state.failure = (header, error, ContinuousClock.now + Self.patience)
                throw error
            }
        }
    }

    private func derive(_ header: RingWrap.Header, _ path: String) throws(VaultError) -> SecretBytes
    {
        guard header.kind == source.kind else {
            throw .ringLocked(
                path: path,
                reason: header.kind == .passphrase
                    ? "it is wrapped under a passphrase, and a key was given"
                    : "it is wrapped under a key, and a passphrase was given")
        }
        do throws(SecretsError) {
            let secret = try source.read()
            switch header.kind {
            case .passphrase:
                return try PassphraseKey.derive(
                    from: secret, salt: header.salt, cost: header.cost)
            case .key:
                guard secret.count >= Self.minimumKeyCount else {
                    throw .wrongLength(
                        of: "key that wraps the key ring, at least", expected: Self.minimumKeyCount,
                        actual: secret.count)
                }
                return SecretBytes(
                    copying: KeyedHash.blake2b(Array("pmn.wrap".utf8) + header.salt, key: secret))
            }
        } catch {
            throw .ringLocked(path: path, reason: error.operatorText)
        }
    }
}
