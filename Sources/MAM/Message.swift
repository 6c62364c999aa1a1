import Ternary

/// A message of a channel, decrypted. Its content is not printed: it may be personal data.
package struct Message: Hashable, Sendable, Redacted {
    /// The leaf of its tree that signed it.
    package let index: UInt64
    /// Where the tree's successor starts; the same for all messages of a tree.
    package let nextRoot: Root
    /// The content, filled up with zero trits to a whole tryte.
    package let contentTrytes: Trytes
    /// Trits of the content; not always whole trytes.
    package let contentTritCount: Int
    /// What the signature signs. Together with root and index it says which message this is.
    package var messageHash: Hash { Hash(messageHashBlock) }
    let messageHashBlock: TritBlock
    /// 1...3, as the message hash tells.
    package let securityLevel: Int
    /// Trits of the payload up to and including the nonce: what decrypting needs.
    package let headTritCount: Int
    /// Depth of the tree; nil with `Verification.alreadyVerified`.
    package let siblingCount: Int?
    /// Trits of the payload up to the last sibling, what comes after is not authenticated;
    /// nil with `Verification.alreadyVerified`.
    package let payloadTritCount: Int?

    package var standIn: String {
        "<message of leaf \(index), level \(securityLevel), \(contentTritCount) trits>"
    }

    /// The content as text; nil where it is none (mam-v0, *Alphabet and units*).
    package var text: String? {
        contentTritCount.isMultiple(of: 3) ? MessageText.text(contentTrytes) : nil
    }
}
