import Failures

/// Why a request is not answered, in the words and with the status of IRI
/// (tangle, *IRI's HTTP API*).
package enum CommandRefusal: Failure, Equatable {
    case invalidVersion
    /// More characters, elements or hashes than `NodeLimits` allow.
    case overLimit
    case invalidJSON
    case noCommand
    case unknownCommand(String)
    /// A command of IRI that this node does not offer, or not to this client.
    case notAvailable(String)
    /// A parameter that is missing.
    case invalidParameters
    /// A parameter of another type, length or alphabet, by its name.
    case invalidInput(String)
    /// A transaction whose hash lacks the weight.
    case tooLight
    /// A transaction whose value has trits beyond the 33 that are used.
    case invalidValue
    case missingTransaction(String)
    case notATail(String)
    case ledgerFull
    /// As much proof of work is waiting as may wait.
    case busy
    /// A node that was to do it cannot be asked now.
    case nodeAway

    /// The longest name of a command that is repeated to the client.
    static let commandNameCharacters = 64

    package var status: Int {
        switch self {
        case .notAvailable: 401
        case .ledgerFull: 500
        case .busy, .nodeAway: 503
        default: 400
        }
    }

    package var publicText: String {
        switch self {
        case .invalidVersion: "Invalid API Version"
        case .overLimit: "Could not complete request"
        case .invalidJSON: "Invalid JSON syntax"
        case .noCommand: "COMMAND parameter has not been specified in the request."
        case .unknownCommand(let name):
            "Command [\(name.prefix(Self.commandNameCharacters))] is unknown"
        case .notAvailable(let name): "COMMAND \(name) is not available on this node"
        case .invalidParameters: "Invalid parameters"
        case .invalidInput(let name): "Invalid \(name) input"
        case .tooLight: "Error: Invalid transaction hash"
        case .invalidValue: "Error: Invalid transaction value"
        case .missingTransaction(let hash): "Invalid transaction, missing: \(hash)"
        case .notATail(let hash): "Invalid transaction, not a tail: \(hash)"
        case .ledgerFull: "The ledger is full"
        case .busy: "Too much proof of work is waiting"
        case .nodeAway: "The node does not answer"
        }
    }

    package var code: String { "node-command.refused" }
    package var operation: String { "answer a command" }
    package var retryable: Bool { status == 503 }
}
