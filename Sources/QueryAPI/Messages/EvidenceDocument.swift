import Archive
import Tangle
import Ternary

/// What proves a message: its bundle, as it stood on the ledger, each time it was attached that is
/// kept whole.
package struct EvidenceDocument: Codable, Sendable {
    package struct Attachment: Codable, Sendable {
        /// 0 for the first verified one.
        package let number: Int
        /// Index 0 first.
        package let transactions: [RawTransaction]
    }

    package struct RawTransaction: Codable, Sendable {
        package let hash: Hash
        package let trytes: Trytes
    }

    package let sequence: Int64
    package let bundle: Hash
    package let attachments: [Attachment]

    init(_ message: StoredMessage, _ kept: [KeptAttachment]) {
        sequence = message.sequence
        bundle = message.head.bundle
        attachments = kept.map { attachment in
            Attachment(
                number: attachment.number,
                transactions: zip(
                    TransactionHashing.hashes(of: attachment.transactions),
                    attachment.transactions
                ).map { RawTransaction(hash: $0, trytes: $1.trytes) })
        }
    }
}
