import Foundation
import Tangle
import Ternary

/// A command of IRI's API (tangle.md, *IRI's HTTP API*).
protocol NodeCommand: Encodable, Sendable {
    associatedtype Answer: Decodable & Sendable
    var command: String { get }
    /// As JSON; nil where it cannot be written.
    func body() -> [UInt8]?
}

extension NodeCommand {
    func body() -> [UInt8]? { (try? JSONEncoder().encode(self)).map { Array($0) } }

    /// A command with one list.
    fileprivate func body(_ name: String, _ hashes: [Hash]) -> [UInt8] {
        var body = Array("{\"command\":\"\(command)\",\"\(name)\":".utf8)
        FlatMessage.append(hashes.lazy.map(\.trytes), to: &body)
        body.append(UInt8(ascii: "}"))
        return body
    }
}

/// What `store` and `broadcast` answer: nothing but `duration`, which is not needed.
struct EmptyAnswer: Decodable, Sendable {}

struct GetNodeInfo: NodeCommand {
    typealias Answer = NodeInfo
    let command = "getNodeInfo"
}

struct GetNodeAPIConfiguration: NodeCommand {
    typealias Answer = NodeAPIConfiguration
    let command = "getNodeAPIConfiguration"
}

struct FindTransactions: NodeCommand {
    struct Answer: Decodable, Sendable {
        private enum Key: CodingKey { case hashes }

        let hashes: [Hash]

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Key.self)
            // Nodes written in Go may say null for an empty list; a missing list is no answer.
            hashes =
                try container.decodeNil(forKey: .hashes)
                ? [] : container.decode([Hash].self, forKey: .hashes)
        }
    }

    let command = "findTransactions"
    /// OR inside a list, AND between them; a list that is nil is left out.
    var addresses: [Hash]?
    var bundles: [Hash]?
    var approvees: [Hash]?

    func body() -> [UInt8]? {
        guard let addresses, bundles == nil, approvees == nil else {
            return (try? JSONEncoder().encode(self)).map { Array($0) }
        }
        return body("addresses", addresses)
    }
}

struct GetTrytes: NodeCommand {
    /// Texts, so that one malformed transaction does not spoil its neighbours; Chronicle answers
    /// null for what it does not have.
    struct Answer: Decodable, Sendable {
        let trytes: [String?]
    }

    let command = "getTrytes"
    let hashes: [Hash]

    func body() -> [UInt8]? { body("hashes", hashes) }
}

struct GetInclusionStates: NodeCommand {
    struct Answer: Decodable, Sendable {
        let states: [Bool]
    }

    let command = "getInclusionStates"
    let transactions: [Hash]
    /// Needed up to IRI 1.8.5, ignored later.
    let tips: [Hash]
}

struct GetTransactionsToApprove: NodeCommand {
    typealias Answer = TransactionsToApprove
    let command = "getTransactionsToApprove"
    let depth: Int
}

struct AttachToTangle: NodeCommand {
    struct Answer: Decodable, Sendable {
        let trytes: [String]
    }

    let command = "attachToTangle"
    let trunkTransaction: Hash
    let branchTransaction: Hash
    let minWeightMagnitude: Int
    let trytes: [Trytes]
}

struct StoreTransactions: NodeCommand {
    typealias Answer = EmptyAnswer
    let command = "storeTransactions"
    let trytes: [Trytes]
}

struct BroadcastTransactions: NodeCommand {
    typealias Answer = EmptyAnswer
    let command = "broadcastTransactions"
    let trytes: [Trytes]
}
