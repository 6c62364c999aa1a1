import Failures

/// Why a message, or a telegram in it, gives no reading.
package enum MessageFault: String, Failure, CaseIterable {
    /// Neither JSON nor a telegram.
    case notJSON
    case tooLong
    /// Nested deeper than any message of a device is.
    case tooDeep
    /// A field that decides stands in it twice, so that readers would disagree.
    case ambiguous
    /// A message of another kind, such as `KEY_ROTATION`.
    case otherMessage
    /// A meter's message without a telegram's beginning or end.
    case cut
    /// Two telegrams run into one another, or more than a message may have.
    case merged
    /// A telegram's checksum is wrong, or without one its form.
    case damaged
    /// Neither telegram nor message tells when it was.
    case noTime

    package var code: String { "metering.\(rawValue)" }
    package var operation: String { "read a telegram" }

    package var publicText: String {
        switch self {
        case .notJSON: "the message is neither a JSON object nor a telegram"
        case .tooLong: "the message is longer than \(MeterMessageReader.lengthLimit) bytes"
        case .tooDeep: "the message is nested too deep"
        case .ambiguous: "the message has a field twice"
        case .otherMessage: "the message is not of a meter"
        case .cut: "the telegram is cut"
        case .merged: "telegrams run into one another"
        case .damaged: "the telegram is damaged"
        case .noTime: "the telegram has no time"
        }
    }
}
