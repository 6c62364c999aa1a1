/// How a channel hides its messages (mam-v0, *Modes and where a message lies*).
package enum ChannelMode: String, Sendable, CaseIterable, Codable {
    /// The address is the root itself: whoever finds a message can read it.
    case `public`
    /// The address is a hash of the root: whoever has the root can read.
    case `private`
    /// As `private`, and reading takes a side key too.
    case restricted
}
