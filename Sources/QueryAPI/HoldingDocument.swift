import Archive
import Vault

/// What is held of one channel, as a person is told it.
package struct HoldingDocument: Codable, Sendable, Hashable {
    package struct Month: Codable, Sendable, Hashable {
        /// Such as `2021-03`.
        package let period: String
        package let messages: Int64
    }

    package let channel: ChannelDocument
    /// Whether it is the data of others, too.
    package let shared: Bool
    package let periods: [Month]
    /// Well-formed bundles that no known side key opens.
    package let waiting: Int64
    /// Who read it.
    package let readers: [RecipientDocument]

    package init(_ holding: Holding) {
        channel = ChannelDocument(holding.channel, isAdmin: false)
        shared = holding.channel.subjectCount > 1
        periods = holding.periods.map {
            Month(period: $0.period.description, messages: $0.messages)
        }
        waiting = holding.waiting
        readers = holding.readers.map(RecipientDocument.init)
    }
}
