import Archive
import Foundation
import Secrets
import Ternary
import Vault

/// An entry of a person's access log, as the interface and `access-log` tell it.
package struct AccessLogDocument: Encodable, Sendable {
    package let at: Timestamp
    /// What was done, such as `messages.read`.
    package let kind: String
    /// The token of who did it; absent for the operator, for `anyone`, and for what a chain said.
    package let token: String?
    /// The IOTA address of that token's reader.
    package let reader: String?
    /// True for reads without a token of what is open to anyone; else absent.
    package let anyone: Bool?
    /// Absent where it is about the person.
    package let channel: String?
    /// What for, by which grants, how many messages, from which to which, and when the archive had
    /// taken them in.
    package let details: [String: String]?
    /// Why there are none.
    package let missing: String?

    package init(_ entry: AccessLogEntry, subject: ChannelNumber) {
        let document = AuditRecordDocument(entry.record)
        at = document.at
        kind = document.kind
        token = document.actor
        reader = entry.address
        anyone = document.kind == AuditKind.messagesReadOpenly.rawValue ? true : nil
        channel = document.about == subject.text ? nil : document.about
        details = document.details
        missing = document.missing
    }
}

/// How a person's consent stands, as he is told it.
package struct ConsentDocument: Encodable, Sendable {
    package struct Authorisation: Encodable, Sendable {
        /// The provider's IOTA address.
        package let reader: String
        package let purpose: String
        /// When the archive learnt of it, and access began.
        package let since: Timestamp
    }

    package let channel: String
    package let state: ChannelState
    /// Why it is in this state. While the channel does not go on, what it said last holds.
    package let reason: String?
    package let lastLookAt: Timestamp?
    package let authorised: [Authorisation]

    package init(_ standing: ConsentStanding) {
        channel = standing.channel.id.text
        state = standing.channel.state
        reason = standing.channel.reason
        lastLookAt = standing.channel.lastLookAt.map(Timestamp.init)
        authorised = standing.authorisations.map {
            Authorisation(
                reader: $0.provider.description, purpose: $0.goal, since: Timestamp($0.since))
        }
    }
}

/// The text that says where a reader of an access log stands: sealed, and good for one log.
enum AccessLogCursor {
    private static let lengthLimit = 200

    static func text(_ key: AccessLogKey, of subject: ChannelNumber, _ vault: Vault) throws
        -> String
    {
        var bytes: [UInt8] = []
        for number in [key.at, key.writer.rawValue, key.number] {
            withUnsafeBytes(of: number.bigEndian) { bytes += $0 }
        }
        return Base64URL.encode(try vault.sealCursor(bytes, scope: scope(subject)))
    }

    /// - Throws: `RequestError.cursor` for anything that `text` did not give for this log.
    static func key(_ text: String, of subject: ChannelNumber, _ vault: Vault) throws(RequestError)
        -> AccessLogKey
    {
        guard text.utf8.count <= lengthLimit, let sealed = try? Base64URL.decode(text),
            let bytes = try? vault.openCursor(sealed, scope: scope(subject)), bytes.count == 24
        else { throw .cursor }
        let numbers = (0..<3).map { index in
            bytes[index * 8..<(index + 1) * 8].reduce(Int64(0)) { $0 << 8 | Int64($1) }
        }
        guard let writer = ChannelNumber(rawValue: numbers[1]) else { throw .cursor }
        return AccessLogKey(at: numbers[0], writer: writer, number: numbers[2])
    }

    private static func scope(_ subject: ChannelNumber) -> String { "access log \(subject.text)" }
}
