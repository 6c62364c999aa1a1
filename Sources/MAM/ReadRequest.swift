import Ternary

/// A payload and the keys to read it with.
package struct ReadRequest: Sendable {
    /// All fragments of a bundle in index order; with `Verification.alreadyVerified` the
    /// trytes of the head are enough.
    package var payload: Trytes
    /// The root at whose address the payload lies.
    package var root: Root
    /// Nil for a public or private channel.
    package var sideKey: SideKey?

    package init(payload: Trytes, root: Root, sideKey: SideKey? = nil) {
        self.payload = payload
        self.root = root
        self.sideKey = sideKey
    }
}

/// How far to distrust a payload.
package enum Verification: Sendable {
    /// A message only if its signature leads to the root.
    case full
    /// Decrypts only: for payloads whose signature was checked when they were archived. What
    /// follows the head is neither needed nor looked at.
    case alreadyVerified
}
