import Foundation
import MAM
import Tangle
import Ternary

import struct Tangle.Bundle

/// What decrypting a message and describing it needs: the plaintext of `message.sealed_head`.
///
/// Layout: version 1; root, tail, bundle (49 bytes of t5b1 each); tag (17); claimed time
/// (Int64, ms); security level (1); trits of the head (UInt32), and those in t5b1.
package struct MessageHead: Sendable {
    /// Decrypts the message; of the message itself, so that nothing else need be kept.
    package let root: Root
    package let tail: Hash
    package let bundle: Hash
    package let tag: Trytes
    /// Milliseconds since 1970 that the attacher claimed, as they stood: any number.
    package let claimedMilliseconds: Int64
    package let securityLevel: Int
    /// The payload's trits up to and including the nonce, filled up to whole trytes, in t5b1,
    /// as they are stored and as they are decrypted.
    package let packedPayload: [UInt8]
    package let payloadTritCount: Int

    fileprivate static let version: UInt8 = 1
    fileprivate static let tagTritCount = 81

    /// - Parameters:
    ///   - payload: the bundle's; nil has it put together.
    ///   - milestone: that confirmed it, where it is known: the earliest transactions had their tag
    ///     elsewhere, and no attachment times.
    package init(
        root: Root, message: Message, bundle: Bundle, payload: Trytes? = nil,
        milestone: Int32? = nil
    ) {
        self.root = root
        tail = bundle.tail
        self.bundle = bundle.bundleHash
        let first = bundle.transactions.first
        let isEarly = first?.hasFirstLayout(confirmedBy: milestone) ?? false
        let tag = isEarly ? first?.obsoleteTag : first?.tag
        self.tag = tag ?? Trytes(validated: []).padded(to: Self.tagTritCount / 3)
        claimedMilliseconds = Self.claimed(first, isEarly: isEarly)
        securityLevel = message.securityLevel
        let whole = (payload ?? bundle.messageTrytes).ascii
        let head = whole.prefix((message.headTritCount + 2) / 3)
        packedPayload = head.withUnsafeBufferPointer { T5B1.pack($0) }
        payloadTritCount = head.count * 3
    }

    /// For `Verification.alreadyVerified`.
    ///
    /// - Throws: `TernaryError`, but not for a head that was decoded.
    package func request(sideKey: SideKey?) throws(TernaryError) -> ReadRequest {
        try ReadRequest(
            packed: packedPayload, tritCount: payloadTritCount, root: root, sideKey: sideKey)
    }

    /// The payload's trytes.
    package var payload: Trytes {
        let whole = try? T5B1.unpackTrytes(packedPayload, tryteCount: (payloadTritCount + 2) / 3)
        return whole ?? Trytes(validated: [])
    }

    /// The payload's trytes of an encoded head, and nothing else of it.
    ///
    /// - Throws: whatever shows that `bytes` are not what `encoded` gave.
    static func payload(encoded bytes: [UInt8]) throws -> Trytes {
        var reader = ByteReader(bytes)
        guard try reader.read(UInt8.self) == Self.version else { throw ByteReader.Mismatch() }
        let tagCount = T5B1.byteCount(tritCount: Self.tagTritCount)
        // Root, tail, bundle; tag; claimed time; security level.
        _ = try reader.read(3 * Hash.packedCount + tagCount + 8 + 1)
        let tritCount = Int(try reader.read(UInt32.self))
        return try T5B1.unpackTrytes(reader.readRest(), tryteCount: (tritCount + 2) / 3)
    }

    private static func claimed(_ tail: Transaction?, isEarly: Bool) -> Int64 {
        guard let tail else { return 0 }
        if !isEarly, tail.attachmentTimestamp != 0 { return tail.attachmentTimestamp }
        let (product, overflow) = tail.timestamp.multipliedReportingOverflow(by: 1000)
        return overflow ? 0 : product
    }

    package var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.write(Self.version)
        writer.write(root.revealPacked())
        writer.write(tail.packed)
        writer.write(bundle.packed)
        writer.write(T5B1.pack(tag))
        writer.write(claimedMilliseconds)
        writer.write(UInt8(securityLevel))
        writer.write(UInt32(payloadTritCount))
        writer.write(packedPayload)
        return writer.bytes
    }

    /// - Throws: whatever shows that `bytes` are not what `encoded` gave.
    package init(encoded bytes: [UInt8]) throws {
        var reader = ByteReader(bytes)
        guard try reader.read(UInt8.self) == Self.version else { throw ByteReader.Mismatch() }
        root = try Root(packed: reader.read(Hash.packedCount))
        tail = try Hash(packed: reader.read(Hash.packedCount))
        bundle = try Hash(packed: reader.read(Hash.packedCount))
        let tagBytes = try reader.read(T5B1.byteCount(tritCount: Self.tagTritCount))
        tag = try T5B1.unpackTrytes(tagBytes, tryteCount: Self.tagTritCount / 3)
        claimedMilliseconds = try reader.read(Int64.self)
        securityLevel = Int(try reader.read(UInt8.self))
        payloadTritCount = Int(try reader.read(UInt32.self))
        packedPayload = reader.readRest()
        try T5B1.check(packedPayload, tritCount: payloadTritCount)
    }

    /// The claimed time, nil where it lies outside the years 1970 to 9999.
    package var claimedAt: Date? { Self.time(claimed: claimedMilliseconds) }

    fileprivate static func time(claimed milliseconds: Int64) -> Date? {
        guard (0..<claimLimit).contains(milliseconds) else { return nil }
        return Date(timeIntervalSince1970: Double(milliseconds) / 1000)
    }

    /// Days since 1970 in UTC of the claimed time.
    var claimedDay: Int32? {
        claimedAt.map { Int32($0.timeIntervalSince1970 / 86400) }
    }

    /// Milliseconds from 1970 to the year 10000, which RFC 3339 cannot write.
    private static let claimLimit: Int64 = 253_402_300_800_000
}

/// What of an encoded head reading a message's content needs: a third of the work of the whole.
struct MessageContent {
    private let root: Root
    private let claimedMilliseconds: Int64
    private let packedPayload: [UInt8]
    private let payloadTritCount: Int

    /// - Throws: `ByteReader.Mismatch` or `TernaryError` where `bytes` are not what
    ///   `MessageHead.encoded` gave.
    init(encoded bytes: [UInt8]) throws {
        var reader = ByteReader(bytes)
        guard try reader.read(UInt8.self) == MessageHead.version else {
            throw ByteReader.Mismatch()
        }
        root = try Root(packed: reader.read(Hash.packedCount))
        // Tail, bundle; tag.
        try reader.skip(
            2 * Hash.packedCount + T5B1.byteCount(tritCount: MessageHead.tagTritCount))
        claimedMilliseconds = try reader.read(Int64.self)
        // Security level.
        try reader.skip(1)
        payloadTritCount = Int(try reader.read(UInt32.self))
        packedPayload = reader.readRest()
    }

    /// As a head's.
    var claimedAt: Date? { MessageHead.time(claimed: claimedMilliseconds) }

    /// - Throws: `TernaryError` where the payload is none.
    func request(sideKey: SideKey?) throws(TernaryError) -> ReadRequest {
        try ReadRequest(
            packed: packedPayload, tritCount: payloadTritCount, root: root, sideKey: sideKey)
    }
}
