import Archive
import Foundation
import QueryAPI
import Secrets
import Vault

/// A signed head as it is handed out and read back: one JSON object a line.
struct AuditHeadDocument: Codable {
    let writer: String
    let number: Int64
    let hash: String
    let at: Timestamp
    let signature: String
    /// The public key it is signed with.
    let key: String

    init(_ head: AuditHead, publicKey: [UInt8]) {
        writer = head.writer.text
        number = head.number
        hash = Hex.encode(head.hash)
        at = Timestamp(head.at)
        signature = Hex.encode(head.signature)
        key = Hex.encode(publicKey)
    }

    /// Nil where the texts cannot be a head's.
    var head: AuditHead? {
        guard let writer = ChannelNumber(text: writer), let hash = try? Hex.decode(hash),
            let signature = try? Hex.decode(signature)
        else { return nil }
        return AuditHead(
            writer: writer, number: number, hash: hash, at: at.date, signature: signature)
    }
}

extension AuditRecordDocument {
    /// For people, on one line.
    var line: String {
        let told =
            details.map { details in
                details.sorted { $0.key < $1.key }
                    .map { "\($0.key)=\(TerminalText.harmless($0.value))" }.joined(separator: " ")
            } ?? "(\(missing ?? ""))"
        return [at.text, kind, actor ?? "operator", about ?? "-", told].joined(separator: "\t")
            + "\n"
    }
}
