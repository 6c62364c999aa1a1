import Failures
import MAM
import Tangle
import Ternary

import struct Tangle.Bundle

/// Checks evidence without the archive that gave it: hashes every transaction, builds the bundle
/// anew, and reads the message from it under the root at whose address it lies.
///
/// Knows the root it is made with, and those that the messages it has read lead to. So evidence of
/// later trees is read behind that of the trees before.
package struct EvidenceReader {
    /// A message that is proved.
    package struct Proof: Sendable {
        package let message: Message
        /// Of the attachments, in their order.
        package let tails: [Hash]
    }

    private let mode: ChannelMode
    private let sideKey: SideKey?
    /// Those that lie behind messages which were read, by address.
    private var roots: [Hash: Root]

    package init(root: Root, mode: ChannelMode, sideKey: SideKey?) {
        self.mode = mode
        self.sideKey = sideKey
        roots = [ChannelAddress.address(of: root, mode: mode): root]
    }

    /// - Throws: What the first attachment shows that is not as it should be.
    package mutating func read(_ document: EvidenceDocument) throws(EvidenceError) -> Proof {
        var proved: Message?
        var tails: [Hash] = []
        for attachment in document.attachments {
            let bundle = try Self.bundle(attachment)
            guard bundle.bundleHash == document.bundle else {
                throw .otherBundle(attachment: attachment.number)
            }
            guard let root = roots[bundle.address] else {
                throw .otherAddress(attachment: attachment.number)
            }
            let request = ReadRequest(payload: bundle.messageTrytes, root: root, sideKey: sideKey)
            guard let result = MessageReader.read([request], .full).first else { continue }
            let message: Message
            do throws(ReadError) { message = try result.get() } catch {
                throw .message(attachment: attachment.number, error)
            }
            if let proved, proved.messageHash != message.messageHash {
                throw .differentMessages(attachment: attachment.number)
            }
            proved = message
            tails.append(bundle.tail)
        }
        guard let proved else { throw .noAttachment }
        let next = proved.nextRoot
        roots[ChannelAddress.address(of: next, mode: mode)] = next
        return Proof(message: proved, tails: tails)
    }

    private static func bundle(
        _ attachment: EvidenceDocument.Attachment
    ) throws(EvidenceError) -> Bundle {
        guard attachment.transactions.count <= Bundle.maximumTransactions else {
            throw .bundle(
                attachment: attachment.number,
                .tooManyTransactions(lastIndex: Int64(attachment.transactions.count) - 1))
        }
        var transactions: [Transaction] = []
        for (index, raw) in attachment.transactions.enumerated() {
            guard let transaction = try? Transaction(trytes: raw.trytes) else {
                throw .notATransaction(attachment: attachment.number, index: index)
            }
            transactions.append(transaction)
        }
        let hashes = TransactionHashing.hashes(of: transactions)
        for (index, raw) in attachment.transactions.enumerated() where hashes[index] != raw.hash {
            throw .wrongHash(attachment: attachment.number, index: index)
        }
        do throws(BundleFault) {
            return try Bundle(transactions, hashes: hashes)
        } catch {
            throw .bundle(attachment: attachment.number, error)
        }
    }
}

/// Why evidence proves nothing.
package enum EvidenceError: Failure, Equatable {
    case noAttachment
    case notATransaction(attachment: Int, index: Int)
    case wrongHash(attachment: Int, index: Int)
    case bundle(attachment: Int, BundleFault)
    /// Another bundle hash than the document says.
    case otherBundle(attachment: Int)
    /// Not that of the root, nor of one that the messages before led to.
    case otherAddress(attachment: Int)
    case message(attachment: Int, ReadError)
    case differentMessages(attachment: Int)

    package var code: String { "evidence.wrong" }

    package var operation: String { "check evidence" }

    package var publicText: String {
        switch self {
        case .noAttachment: "there is no attachment in it"
        case .notATransaction(let attachment, let index):
            "attachment \(attachment): transaction \(index) has another length"
        case .wrongHash(let attachment, let index):
            "attachment \(attachment): transaction \(index) does not have the hash that is said"
        case .bundle(let attachment, let fault):
            "attachment \(attachment): \(fault.publicText)"
        case .otherBundle(let attachment):
            "attachment \(attachment) is of another bundle than is said"
        case .otherAddress(let attachment):
            "attachment \(attachment) lies at no address that the root leads to"
        case .message(let attachment, let error):
            "attachment \(attachment): \(error.publicText)"
        case .differentMessages(let attachment):
            "attachment \(attachment) holds another message than those before"
        }
    }
}
