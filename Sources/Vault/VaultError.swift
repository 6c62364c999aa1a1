import Failures

/// What keeps the vault from giving or destroying a key.
package enum VaultError: Failure, Equatable {
    /// The key was forgotten; nobody can derive it any more.
    case forgotten(ChannelNumber)
    /// A value that its key does not open: sealed elsewhere, or changed.
    case wrongKeyOrDamaged(place: String)
    /// Forgetting without saying what.
    case nothingToForget

    case ringExists(path: String)
    case ringMissing(path: String)
    /// Others than the owner may read or write the file; its mode's lower nine bits.
    case ringTooOpen(path: String, mode: UInt32)
    /// No key ring, or one that is cut off or changed; `what` says where that was seen.
    case ringDamaged(path: String, what: String)
    /// A format of a later version.
    case ringUnsupported(path: String, version: UInt16)
    /// The system refused; `operation` and `reason` say what and why.
    case ringInaccessible(path: String, operation: String, reason: String)
    /// Another ring than the one that was opened lies there now.
    case ringReplaced(path: String)
    /// An older state of the ring lies there now: keys forgotten since would come back.
    case ringWentBack(path: String, held: UInt64, found: UInt64)
    /// Another process has been changing the ring for too long.
    case ringBusy(path: String)
    /// The forget log has a record that is not what was written; `record` counts from 1, 0 is
    /// its beginning.
    case logDamaged(path: String, record: UInt64, what: String)
    /// The forget log lacks records that this process has seen in it.
    case logWentBack(path: String)
    case logFull(path: String)
    /// The ring is wrapped under a key that cannot be had, or that is another.
    case ringLocked(path: String, reason: String)
    /// A copy that must not take the ring's place.
    case restoreRefused(path: String, reason: String)
    /// More nodes than `KeyTree.maximumNodeCount`, or no channel number left.
    case ringFull

    package var code: String {
        switch self {
        case .forgotten: "vault.forgotten"
        case .wrongKeyOrDamaged: "vault.wrong-key-or-damaged"
        case .nothingToForget: "vault.nothing-to-forget"
        case .ringExists: "vault.ring-exists"
        case .ringMissing: "vault.ring-missing"
        case .ringTooOpen: "vault.ring-too-open"
        case .ringDamaged: "vault.ring-damaged"
        case .ringUnsupported: "vault.ring-unsupported"
        case .ringInaccessible: "vault.ring-inaccessible"
        case .ringReplaced: "vault.ring-replaced"
        case .ringWentBack: "vault.ring-went-back"
        case .ringBusy: "vault.ring-busy"
        case .ringFull: "vault.ring-full"
        case .restoreRefused: "vault.restore-refused"
        case .ringLocked: "vault.ring-locked"
        case .logDamaged: "vault.log-damaged"
        case .logWentBack: "vault.log-went-back"
        case .logFull: "vault.log-full"
        }
    }

    package var operation: String {
        switch self {
        case .forgotten: "derive a key"
        case .wrongKeyOrDamaged: "open a sealed value"
        case .nothingToForget, .ringFull: "forget"
        case .ringExists: "create the key ring"
        case .ringInaccessible(_, let operation, _): operation
        case .ringBusy: "lock the key ring"
        case .logDamaged, .logWentBack: "read the forget log"
        case .logFull: "write the forget log"
        case .restoreRefused: "restore the key ring"
        default: "read the key ring"
        }
    }

    package var subject: String? {
        switch self {
        case .forgotten(let channel): channel.text
        case .wrongKeyOrDamaged(let place): place
        case .ringExists(let path), .ringMissing(let path), .ringTooOpen(let path, _),
            .ringDamaged(let path, _), .ringUnsupported(let path, _),
            .ringInaccessible(let path, _, _), .ringReplaced(let path),
            .ringWentBack(let path, _, _), .ringBusy(let path), .logDamaged(let path, _, _),
            .logWentBack(let path), .logFull(let path), .ringLocked(let path, _),
            .restoreRefused(let path, _):
            path
        case .nothingToForget, .ringFull: nil
        }
    }

    package var retryable: Bool {
        switch self {
        case .ringBusy, .ringInaccessible: true
        default: false
        }
    }

    package var publicText: String {
        switch self {
        case .forgotten: "this has been forgotten"
        case .wrongKeyOrDamaged: "a stored value cannot be opened"
        case .nothingToForget: "nothing to forget was named"
        case .ringExists: "there is a key ring already"
        default: "the key ring cannot be used"
        }
    }

    package var operatorText: String {
        switch self {
        case .forgotten(let channel): "the key of \(channel) has been forgotten"
        case .wrongKeyOrDamaged(let place):
            "a value of \(place) does not open: it was changed, or belongs elsewhere"
        case .nothingToForget: publicText
        case .ringExists(let path):
            "\(path) exists; without it nothing sealed can be read again, so it is not replaced"
        case .ringMissing(let path):
            "there is no key ring at \(path); make one (permanode init), or"
                + " put a copy in its place (permanode keyring restore --from COPY)"
        case .ringTooOpen(let path, let mode):
            "\(path) has mode \(String(mode, radix: 8)); others than its owner must not reach it:"
                + " chmod 600 \(path)"
        case .ringDamaged(let path, let what):
            "\(path) is no whole key ring (\(what)); put a copy in its place"
                + " (permanode keyring restore --from COPY)"
        case .ringUnsupported(let path, let version):
            "\(path) has format \(version), which a later version of this program made"
        case .ringInaccessible(let path, _, let reason): "\(path): \(reason)"
        case .ringReplaced(let path):
            "\(path) is another ring than the one in use; restart if that is meant"
        case .ringWentBack(let path, let held, let found):
            "\(path) is older than the ring in use (generation \(found) after \(held)):"
                + " forgotten keys would come back; put the newer one there"
        case .ringBusy(let path): "another process holds \(path); try again"
        case .ringFull: "the key ring has no room for more forgotten keys"
        case .logDamaged(let path, let record, let what):
            "\(path) is damaged at record \(record) (\(what)): restore it from a copy, or move it"
                + " away and run `permanode restore-check`, which writes it anew from the database"
        case .restoreRefused(let path, let reason): "\(path) is not restored: \(reason)"
        case .ringLocked(let path, let reason): "\(path) cannot be opened: \(reason)"
        case .logWentBack(let path):
            "\(path) is older than what was in use: forgotten things are missing in it; put the"
                + " newer one there, or restart, which completes it from the database"
        case .logFull(let path): "\(path) has no room for more records"
        }
    }
}
