import Foundation
import Secrets
import Vault

/// How far a writer's chain had come at a time, signed with the key ring's key.
///
/// Kept outside the database, it proves what the chain held then: nothing up to its number can
/// be changed or cut off unnoticed, not even by who may write to the database.
package struct AuditHead: Sendable, Equatable {
    package let writer: ChannelNumber
    /// Of the last entry it covers.
    package let number: Int64
    /// Of that entry.
    package let hash: [UInt8]
    /// When it was signed, in whole milliseconds.
    package let at: Date
    /// Ed25519.
    package let signature: [UInt8]

    package init(
        writer: ChannelNumber, number: Int64, hash: [UInt8], at: Date, signature: [UInt8]
    ) {
        self.writer = writer
        self.number = number
        self.hash = hash
        self.at = at
        self.signature = signature
    }

    init(
        writer: ChannelNumber, number: Int64, hash: [UInt8], at: Date, signedBy key: SigningKey
    ) {
        let at = at.wholeMilliseconds
        self.init(
            writer: writer, number: number, hash: hash, at: at,
            signature: key.sign(Self.message(writer, number, hash, at)))
    }

    package func isSigned(by publicKey: [UInt8]) -> Bool {
        SigningKey.verify(
            signature, of: Self.message(writer, number, hash, at), publicKey: publicKey)
    }

    /// Begins with a text of its own, so that it can be taken for nothing else the key signs.
    private static func message(
        _ writer: ChannelNumber, _ number: Int64, _ hash: [UInt8], _ at: Date
    ) -> [UInt8] {
        var bytes = ByteWriter()
        bytes.writeCounted(Array("permanode audit head 1".utf8))
        bytes.write(writer.rawValue)
        bytes.write(number)
        bytes.writeCounted(hash)
        bytes.write(at.auditMilliseconds)
        return bytes.bytes
    }
}
