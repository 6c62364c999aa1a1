import Vault

/// What is wrong with a stored message.
package struct VerificationFault: Sendable, Equatable {
    /// The raw values are for machines.
    package enum Cause: String, Sendable, CaseIterable {
        /// A sealed value does not open or does not parse.
        case damaged
        /// No bundle is stored that would prove the message.
        case noEvidence = "no-evidence"
        /// The transactions are no valid bundle.
        case invalidBundle = "invalid-bundle"
        /// The bundle's recomputed tail or bundle hash is not the message's.
        case wrongHash = "wrong-hash"
        /// The bundle lies at another address than the root's.
        case wrongAddress = "wrong-address"
        /// The side key that opened it is not there.
        case sideKeyMissing = "side-key-missing"
        /// The signature does not lead to the root, or the payload does not open.
        case notAuthentic = "not-authentic"
        /// It is authentic, but another message than it is stored as.
        case otherMessage = "other-message"

        /// For people.
        package var explanation: String {
            switch self {
            case .damaged: "a stored value does not open or does not parse"
            case .noEvidence: "no bundle is stored that proves it"
            case .invalidBundle: "its transactions are no valid bundle"
            case .wrongHash: "its transactions hash to something else"
            case .wrongAddress: "its bundle belongs to another address"
            case .sideKeyMissing: "its side key is missing"
            case .notAuthentic: "its signature does not lead to the root"
            case .otherMessage: "it is another message than it is stored as"
            }
        }
    }

    package let channel: ChannelNumber
    package let sequence: Int64
    /// Which kept attachment; nil where it is the message itself.
    package let attachment: Int?
    package let cause: Cause
}
