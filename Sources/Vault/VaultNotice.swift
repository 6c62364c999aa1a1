/// What a vault found and mended when it was opened, which an operator must know.
package enum VaultNotice: Sendable, Equatable {
    /// The ring was damaged, and a copy of it was put in its place.
    case recovered(from: String)
    /// The ring had keys again that had been destroyed, so it was an older copy.
    case puncturedAgain(count: Int)
    /// Bytes behind the last whole record of the forget log, which a crash had left.
    case logCut(bytes: Int)
    /// There was no forget log although things had been forgotten.
    case logMissing(path: String)
    /// A secret to wrap the ring under is configured, and the ring is not wrapped.
    case notWrapped

    package var text: String {
        switch self {
        case .recovered(let name):
            "the key ring was damaged: it was replaced by \(name), punctured with all that the"
                + " forget log names; look for the cause (disk, memory) before it happens to the copies"
        case .puncturedAgain(let count):
            "the key ring was an older copy: \(count) forgotten keys that it had again were"
                + " destroyed in it, as the forget log says"
        case .logCut(let bytes):
            "the last \(bytes) bytes of the forget log were left by a crash and were cut off"
        case .logMissing(let path):
            "there was no forget log at \(path) although keys have been destroyed in the ring: a"
                + " new one was begun and is completed from the database"
        case .notWrapped:
            "the key ring is not wrapped although a secret for that is set: `permanode keyring"
                + " rotate` wraps it and its copies"
        }
    }
}
