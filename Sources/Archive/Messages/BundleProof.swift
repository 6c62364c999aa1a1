import Tangle
import Ternary

import struct Tangle.Bundle

/// What a stored bundle says once it is put together and hashed again: all that is needed to check
/// the message it carries. No transactions are made for it.
package struct BundleProof: Sendable {
    /// The attachment's number, 0 for the first verified one.
    package let number: Int
    /// Whether its transactions are a bundle.
    package let isBundle: Bool
    /// Whether it lies where the message's root leads to.
    package let isAtAddress: Bool
    package let tail: Hash
    package let bundleHash: Hash
    /// All fragments in index order.
    package let payload: Trytes
    /// Whether the message's head is known to be the payload's start, because that was taken from it.
    package let startsWithHead: Bool

    /// - Parameter address: of the message's root.
    init(number: Int, _ restored: RestoredBundle, address: Hash) {
        self.number = number
        tail = restored.hash(0)
        bundleHash = restored.bundleHash
        payload = Trytes(validated: restored.payload)
        startsWithHead = restored.isDerived
        if restored.isDerived, restored.movesNothing {
            // Indexes, trunks, bundle hash and address were derived, and there is nothing else.
            (isBundle, isAtAddress) = (true, true)
        } else {
            let hashes = (0..<restored.count).map(restored.hash)
            let bundle = try? Bundle(restored.transactions(), hashes: hashes)
            isBundle = bundle != nil
            isAtAddress = bundle?.address == address
        }
    }
}

/// What was found of one message to check it by.
package struct FoundProofs: Sendable {
    package let place: MessagePlace
    /// The message, and its attachments that are kept whole, the first verified first;
    /// `ArchiveError.damaged` where a value does not open or does not parse.
    package let proofs:
        Result<
            (message: StoredMessage, attachments: [BundleProof]), ArchiveError
        >
}
