import Archive
import Foundation
import LocalTangle
import MAM
import Tangle
import Ternary
import Vault

/// A channel of a figure that is about time: private, security level 1, a message at a time.
struct Meter {
    private var writer: ChannelWriter
    /// Of its first message: what it is registered by.
    let root: Root
    let mode: ChannelMode
    let sideKey: SideKey?

    /// - Parameter number: tells its seed. A tree's keys are made of the seed plus a number (mam-v0,
    ///   *Keys*), so that chains of neighbouring seeds run into each other: these lie far apart.
    init(_ number: Int, mode: ChannelMode = .private, sideKey: SideKey? = nil) throws {
        writer = try ChannelWriter(
            seed: Seed(Junk.hash(number).description), mode: mode, sideKey: sideKey,
            securityLevel: 1)
        root = writer.root
        self.mode = mode
        self.sideKey = sideKey
    }

    /// Where its next message goes.
    var nextAddress: Hash { writer.address }

    var registration: ChannelRegistration {
        ChannelRegistration(root: root, mode: mode, sideKey: sideKey)
    }

    /// The next message, attached.
    mutating func message(_ text: String, at time: Int64) throws -> [Transaction] {
        let message = try writer.write(text)
        return try Self.attached(message.payload, at: message.address, time: time)
    }

    static func attached(
        _ payload: Trytes, at address: Hash, time: Int64
    ) throws -> [Transaction] {
        try Attachment.attach(
            BundleBuilder.bundle(
                address: address, messageTrytes: payload,
                tag: Trytes(validated: Array("BENCH".utf8)).padded(to: 27), timestamp: time),
            trunk: .null, branch: .null, minWeightMagnitude: 1, attachmentTimestamp: time * 1000)
    }
}

/// What anybody can put at an address.
enum Junk {
    /// Tails of bundles that are whole and no message (a third), tails of bundles that go on where
    /// nobody knows anything, and transactions from the middle of such.
    static func transactions(
        _ count: Int, at address: Hash, from start: Int = 0
    ) throws -> [Transaction] {
        try (start..<start + count).map { number in
            if number.isMultiple(of: 3) {
                return try BundleBuilder.bundle(
                    address: address, messageTrytes: trytes(number, 2187),
                    tag: Trytes(validated: []), timestamp: Int64(number))[0]
            }
            var fields = TransactionFields()
            fields.address = address
            fields.lastIndex = 2
            fields.currentIndex = number % 3 == 1 ? 0 : 1
            fields.signatureMessageFragment = trytes(number, 2187)
            fields.bundle = hash(number)
            fields.trunk = hash(number + 1)
            return try fields.transaction()
        }
    }

    static func hash(_ number: Int) -> Hash { Hash(of: trytes(number, Hash.tryteCount), at: 0) }

    /// Different for each number.
    private static func trytes(_ number: Int, _ count: Int) -> Trytes {
        var state =
            UInt64(bitPattern: Int64(number)) &* 0x9E37_79B9_7F4A_7C15 &+ 0xD1B5_4A32_D192_ED03
        let alphabet = Array("9ABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)
        return Trytes(
            validated: (0..<count).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return alphabet[Int(state >> 33) % alphabet.count]
            })
    }
}
