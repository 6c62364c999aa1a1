import Foundation
import Secrets
import Vault

/// One entry of a writer's chain.
///
/// Its hash covers the hash before it and every field, the details as ciphertext: whoever
/// changes, removes or inserts an entry has to change every hash after it. The details are
/// sealed under the leaf of the person's channel or subject, so a forget takes them while the
/// chain still holds.
package struct AuditEntry: Sendable, Equatable {
    /// Bytes of a hash.
    package static let hashCount = 32

    /// A number that a process takes at random when it starts.
    package let writer: ChannelNumber
    /// 0, 1, 2 … without gaps.
    package let number: Int64
    /// In whole milliseconds.
    package let at: Date
    /// Of `AuditKind`, or of a newer program.
    package let kind: String
    /// The token of who acted; nil for the operator.
    package let actor: ChannelNumber?
    /// The channel or subject under whose key the details are sealed; the writer's own number
    /// for what concerns no person.
    package let leaf: ChannelNumber
    /// Nil where the leaf was forgotten already when the entry was written.
    package let sealedDetails: [UInt8]?
    package let hash: [UInt8]

    /// The hash in hexadecimal.
    package var hashText: String { Hex.encode(hash) }

    /// Whether its fields and the hash before it make its hash.
    package func follows(_ previous: [UInt8]) -> Bool {
        hash == Self.hash(after: previous, self)
    }

    /// What stands before the first entry.
    package static func start(of writer: ChannelNumber) -> [UInt8] {
        var bytes = ByteWriter()
        bytes.writeCounted(Array("permanode audit 1".utf8))
        bytes.write(writer.rawValue)
        return Digest.blake2b(bytes.bytes)
    }

    /// BLAKE2b-256 of the previous hash, the integers big-endian (8 bytes each, -1 for none)
    /// and the texts and bytes with their count (4 bytes) before them.
    private static func hash(after previous: [UInt8], _ entry: AuditEntry) -> [UInt8] {
        var bytes = ByteWriter()
        bytes.writeCounted(previous)
        bytes.write(entry.writer.rawValue)
        bytes.write(entry.number)
        bytes.write(entry.at.auditMilliseconds)
        bytes.writeCounted(Array(entry.kind.utf8))
        bytes.write(entry.actor?.rawValue ?? -1)
        bytes.write(entry.leaf.rawValue)
        bytes.write(UInt8(entry.sealedDetails == nil ? 0 : 1))
        bytes.writeCounted(entry.sealedDetails ?? [])
        return Digest.blake2b(bytes.bytes)
    }

    package init(
        writer: ChannelNumber, number: Int64, at: Date, kind: String, actor: ChannelNumber?,
        leaf: ChannelNumber, sealedDetails: [UInt8]?, hash: [UInt8]
    ) {
        self.writer = writer
        self.number = number
        self.at = at
        self.kind = kind
        self.actor = actor
        self.leaf = leaf
        self.sealedDetails = sealedDetails
        self.hash = hash
    }

    /// The entry that follows a hash.
    package init(
        after previous: [UInt8], writer: ChannelNumber, number: Int64, at: Date, kind: String,
        actor: ChannelNumber?, leaf: ChannelNumber, sealedDetails: [UInt8]?
    ) {
        let unlinked = AuditEntry(
            writer: writer, number: number, at: at.wholeMilliseconds, kind: kind, actor: actor,
            leaf: leaf, sealedDetails: sealedDetails, hash: [])
        self.init(
            writer: writer, number: number, at: unlinked.at, kind: kind, actor: actor, leaf: leaf,
            sealedDetails: sealedDetails, hash: Self.hash(after: previous, unlinked))
    }

    /// Binds sealed details to their place.
    static func row(_ writer: ChannelNumber, _ number: Int64) -> [UInt8] {
        var bytes = ByteWriter()
        bytes.write(writer.rawValue)
        bytes.write(number)
        return bytes.bytes
    }
}

extension Date {
    /// Since 1970, bounded: what a database holds of a time is less.
    var auditMilliseconds: Int64 {
        Int64(exactly: (timeIntervalSince1970 * 1000).rounded()) ?? 0
    }

    var wholeMilliseconds: Date {
        Date(timeIntervalSince1970: Double(auditMilliseconds) / 1000)
    }
}
