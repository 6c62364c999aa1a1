import Archive
import Foundation
import Vault

/// The text that says where a reader of a channel's messages stands.
///
/// Sealed, so that nobody can make one up or build on what is in it; good for one channel
/// and one order, in both directions.
package enum MessageCursor {
    /// Characters a cursor may have: beyond them nothing is decoded.
    private static let lengthLimit = 200
    private static let numberCount = 3

    package static func text(
        _ key: MessageKey, of channel: ChannelNumber, _ order: MessageOrder, _ vault: Vault
    ) throws -> String {
        var bytes: [UInt8] = []
        for number in [key.sequence, key.position, key.leaf] {
            withUnsafeBytes(of: number.bigEndian) { bytes += $0 }
        }
        let sealed = try vault.sealCursor(bytes, scope: scope(channel, order))
        return Data(sealed).base64EncodedString()
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    /// - Throws: `RequestError.cursor` for anything that `text` did not give for this channel
    ///   and order.
    package static func key(
        _ text: String, of channel: ChannelNumber, _ order: MessageOrder, _ vault: Vault
    ) throws(RequestError) -> MessageKey {
        guard text.utf8.count <= lengthLimit else { throw .cursor }
        let padding = String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
        let base64 = text.replacing("-", with: "+").replacing("_", with: "/") + padding
        guard let sealed = Data(base64Encoded: base64),
            let bytes = try? vault.openCursor(Array(sealed), scope: scope(channel, order)),
            bytes.count == numberCount * 8
        else { throw .cursor }
        let numbers = (0..<numberCount).map { index in
            bytes[index * 8..<(index + 1) * 8].reduce(Int64(0)) { $0 << 8 | Int64($1) }
        }
        return MessageKey(sequence: numbers[0], position: numbers[1], leaf: numbers[2])
    }

    private static func scope(_ channel: ChannelNumber, _ order: MessageOrder) -> String {
        "messages \(channel.text) \(order.rawValue)"
    }
}
