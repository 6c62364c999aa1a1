import Vault

/// Tells recipients that a forget took what they had read.
package protocol RecipientNotifier: Sendable {
    /// Tells of a request whatever was not told yet, as far as that succeeds within a bounded
    /// time. What did not is told later; a forget does not fail by it.
    func tell(_ request: ChannelNumber) async
}
