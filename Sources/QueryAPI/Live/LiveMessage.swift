import Archive
import Vault

/// A message on its way to those who listen.
struct LiveMessage: Sendable {
    let stored: StoredMessage
    /// As an event (HTML, *Server-sent events*): its cursor, and its document as data.
    let event: [UInt8]

    /// One a document, in the same order; what is stored stands beside each.
    static func events(
        _ stored: [StoredMessage], _ documents: [MessageDocument], of channel: ChannelNumber,
        _ vault: Vault
    ) throws -> [LiveMessage] {
        try zip(stored, documents).map { stored, document in
            let cursor = try MessageCursor.text(stored.key, of: channel, .sequence, vault)
            // A line of JSON has no line ends but its last.
            let event =
                Array("id: \(cursor)\nevent: message\ndata: ".utf8)
                + MessageDocument.lines([document]) + [UInt8(ascii: "\n")]
            return LiveMessage(stored: stored, event: event)
        }
    }
}

extension MessageReading {
    /// The messages as events.
    mutating func events(
        of messages: [StoredMessage], in channel: ChannelNumber, _ vault: Vault
    ) async throws -> [LiveMessage] {
        try LiveMessage.events(messages, await documents(of: messages), of: channel, vault)
    }
}
