import Archive
import ArchiveTestSupport
import Foundation
import MAM
import Tangle
import Ternary
import TestSupport
import Testing

import struct Tangle.Bundle

/// What is stored of a bundle and of a message comes back, and nothing else passes for it.
@Suite struct EncodingTests {
    private static let whole: UInt8 = 0
    private static let compact: UInt8 = 1

    private static func recordedBundles() throws -> [Bundle] {
        let recorded = try RecordedTangle()
        let bundles = recorded.tails.compactMap { tail -> Bundle? in
            guard case .complete(let bundle) = recorded.assemble(tail) else { return nil }
            return bundle
        }
        try #require(bundles.count > 100)
        return bundles.sorted { $0.tail.description < $1.tail.description }
    }

    @Test func everyRecordedBundleComesBackToTheTrit() throws {
        var wholeBytes = 0
        var compactBytes = 0
        for bundle in try Self.recordedBundles() {
            let payload = bundle.messageTrytes
            for count in [0, 1, 700, payload.count] {
                let head = payload[0..<count]
                let encoded = EvidenceEncoding.encode(bundle, head: head, address: bundle.address)
                #expect(encoded.first == Self.compact)
                let back = try EvidenceEncoding.decode(encoded, head: head, address: bundle.address)
                #expect(back == bundle.transactions)
                if count == 700 { compactBytes += encoded.count }
            }
            wholeBytes += EvidenceEncoding.encodeWhole(bundle.transactions).count
        }
        #expect(compactBytes < wholeBytes * 8 / 10)
    }

    /// A bundle of two transactions that may be anything a bundle can be.
    private static func bundle(
        _ change: (Int, inout TransactionFields) -> Void
    ) throws -> Bundle {
        let address = try Hash(String(repeating: "A", count: 80) + "9")
        var generator = SeededGenerator(seed: 41)
        var fields = try BundleBuilder.bundle(
            address: address, messageTrytes: generator.trytes(4000),
            tag: Trytes(validated: []), timestamp: 1_700_000_000
        ).map { try TransactionFields($0) }
        for index in fields.indices { change(index, &fields[index]) }
        let essences = try fields.flatMap { fields in
            try fields.transaction().trytes[TransactionLayout.essence].trits
        }
        let bundleHash = try Hash(trits: Kerl.hash(essences))
        var transactions: [Transaction] = []
        for var field in fields.reversed() {
            field.bundle = bundleHash
            if let next = transactions.first { field.trunk = next.hash() }
            transactions.insert(try field.transaction(), at: 0)
        }
        return try Bundle(transactions)
    }

    @Test func whatCanNotBeDerivedIsKeptAsItIs() throws {
        let odd = try [
            Self.bundle { index, fields in
                if index == 1 { fields.address = .null }
            },
            Self.bundle { index, fields in
                fields.value = index == 0 ? 7 : -7
                if index == 1 { fields.address = .null }
            },
        ]
        for bundle in odd {
            let head = bundle.messageTrytes[0..<500]
            let encoded = EvidenceEncoding.encode(bundle, head: head, address: bundle.address)
            #expect(encoded.first == Self.whole)
            #expect(
                try EvidenceEncoding.decode(encoded, head: head, address: bundle.address)
                    == bundle.transactions)
        }
    }

    @Test func oddFieldsThatFitTheLayoutComeBack() throws {
        var generator = SeededGenerator(seed: 42)
        let bundle = try Self.bundle { index, fields in
            fields.value = index == 0 ? 7 : -7
            fields.timestamp = -3_812_798_742_493 + Int64(index)
            fields.attachmentTimestamp = Int64(index) * -5
            fields.attachmentTimestampUpperBound = 3_812_798_742_493
            fields.obsoleteTag = generator.trytes(27)
            fields.tag = generator.trytes(27)
            fields.nonce = generator.trytes(27)
            fields.branch = Hash(of: generator.trytes(81), at: 0)
            fields.trunk = Hash(of: generator.trytes(81), at: 0)
        }
        let head = bundle.messageTrytes[0..<500]
        let encoded = EvidenceEncoding.encode(bundle, head: head, address: bundle.address)
        #expect(encoded.first == Self.compact)
        #expect(
            try EvidenceEncoding.decode(encoded, head: head, address: bundle.address)
                == bundle.transactions)
    }

    @Test func anotherHeadOrAddressGivesAnotherBundleAndNeverThisOne() throws {
        let bundle = try #require(try Self.recordedBundles().first)
        let head = bundle.messageTrytes[0..<500]
        let encoded = EvidenceEncoding.encode(bundle, head: head, address: bundle.address)
        for other in [
            try? EvidenceEncoding.decode(
                encoded, head: bundle.messageTrytes[1..<501], address: bundle.address),
            try? EvidenceEncoding.decode(
                encoded, head: bundle.messageTrytes[0..<499], address: bundle.address),
            try? EvidenceEncoding.decode(encoded, head: head, address: .null),
        ] {
            #expect(other != bundle.transactions)
        }
        let long = Trytes(validated: []).padded(to: 2187 * bundle.transactions.count + 1)
        #expect(throws: (any Error).self) {
            try EvidenceEncoding.decode(encoded, head: long, address: bundle.address)
        }
    }

    @Test func cutAndChangedEvidenceGivesErrorsAndNeverTraps() throws {
        var random = SeededGenerator.announced()
        let bundles = try Self.recordedBundles()
        var errors = 0
        for round in 0..<600 {
            let bundle = try #require(bundles.randomElement(using: &random))
            let head = bundle.messageTrytes[0..<Int.random(in: 0...900, using: &random)]
            let encoded =
                round % 3 == 0
                ? EvidenceEncoding.encodeWhole(bundle.transactions)
                : EvidenceEncoding.encode(bundle, head: head, address: bundle.address)
            let changed = Self.mutated(encoded, &random)
            do {
                let back = try EvidenceEncoding.decode(
                    changed, head: head, address: bundle.address)
                #expect(back.count <= Bundle.maximumTransactions)
            } catch {
                errors += 1
            }
        }
        #expect(errors > 300)
    }

    @Test func evidenceCutAtAnyPlaceIsAnError() throws {
        let bundle = try #require(try Self.recordedBundles().first)
        let head = bundle.messageTrytes[0..<500]
        for encoded in [
            EvidenceEncoding.encode(bundle, head: head, address: bundle.address),
            EvidenceEncoding.encodeWhole(bundle.transactions),
        ] {
            for count in encoded.indices {
                #expect(throws: (any Error).self) {
                    try EvidenceEncoding.decode(
                        Array(encoded.prefix(count)), head: head, address: bundle.address)
                }
            }
            #expect(throws: (any Error).self) {
                try EvidenceEncoding.decode(encoded + [0], head: head, address: bundle.address)
            }
        }
    }

    private static func mutated(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var bytes = bytes
        switch Int.random(in: 0..<5, using: &random) {
        case 0:
            bytes.removeLast(Int.random(in: 1...bytes.count, using: &random))
        case 1:
            bytes += (0..<Int.random(in: 1...9, using: &random)).map { _ in
                UInt8.random(in: .min ... .max, using: &random)
            }
        case 2:
            // The counts at the start.
            bytes[Int.random(in: 0..<min(8, bytes.count), using: &random)] = .random(
                in: .min ... .max, using: &random)
        case 3:
            for _ in 0..<3 {
                bytes[Int.random(in: bytes.indices, using: &random)] = .random(
                    in: .min ... .max, using: &random)
            }
        default:
            bytes = (0..<Int.random(in: 0...300, using: &random)).map { _ in
                UInt8.random(in: .min ... .max, using: &random)
            }
        }
        return bytes
    }

    @Test func aHeadDecryptsItsMessageAndTellsWhatTheEnvelopeDid() throws {
        var read = 0
        for vector in try ChannelVector.all() where vector.mode != .restricted {
            for message in vector.messages.prefix(3) {
                let request = try message.request()
                let full = try #require(MessageReader.read([request], .full).first).get()
                let built = try BundleBuilder.bundle(
                    address: message.address, messageTrytes: message.payload,
                    tag: try Trytes("TAG"), timestamp: 1_700_000_000)
                let bundle = try Bundle(
                    Attachment.attach(
                        built, trunk: .null, branch: .null, minWeightMagnitude: 0,
                        attachmentTimestamp: 1_700_000_000_123))
                let head = try MessageHead(
                    encoded: MessageHead(root: request.root, message: full, bundle: bundle).encoded)
                #expect(head.tail == bundle.tail)
                #expect(head.bundle == bundle.bundleHash)
                #expect(head.tag == (try Trytes("TAG")).padded(to: 27))
                #expect(head.claimedMilliseconds == 1_700_000_000_123)
                #expect(head.securityLevel == full.securityLevel)
                #expect(head.payload.count == (full.headTritCount + 2) / 3)
                let again = ReadRequest(payload: head.payload, root: head.root, sideKey: nil)
                let decrypted = try #require(
                    MessageReader.read([again], .alreadyVerified).first
                ).get()
                #expect(decrypted.contentTrytes == full.contentTrytes)
                read += 1
            }
        }
        #expect(read > 10)
    }

    @Test func aClaimedTimeMayBeAnyNumber() throws {
        var writer = try ChannelWriter(
            seed: Seed(String(repeating: "T", count: 81)), mode: .private, securityLevel: 1)
        let written = try writer.write("when?")
        for milliseconds: Int64 in [
            -3_812_798_742_493, -1, 1, 253_402_300_799_999, 3_812_798_742_493,
        ] {
            guard abs(milliseconds) <= 3_812_798_742_493 else { continue }
            let bundle = try Verified.bundle(written, time: milliseconds)
            let verified = try Verified.verified(written, position: 0, bundle: bundle)
            let head = try MessageHead(
                encoded: MessageHead(
                    root: verified.root, message: verified.message, bundle: bundle
                ).encoded)
            #expect(head.claimedMilliseconds == milliseconds)
            #expect((head.claimedAt == nil) == (milliseconds < 0))
        }
    }

    @Test func aHeadCutAtAnyPlaceIsAnErrorAndChangedOnesNeverTrap() throws {
        var random = SeededGenerator.announced()
        let verified = try #require(try Verified.messages("U", count: 1).first)
        let encoded = MessageHead(
            root: verified.root, message: verified.message, bundle: verified.bundle
        ).encoded
        for count in encoded.indices {
            #expect(throws: (any Error).self) {
                try MessageHead(encoded: Array(encoded.prefix(count)))
            }
        }
        var errors = 0
        for _ in 0..<2000 {
            do {
                let head = try MessageHead(encoded: Self.mutated(encoded, &random))
                let request = ReadRequest(payload: head.payload, root: head.root, sideKey: nil)
                _ = MessageReader.read([request], .alreadyVerified)
                _ = head.claimedAt
            } catch {
                errors += 1
            }
        }
        #expect(errors > 1000)
    }
}
