import Foundation
import Tangle
import Ternary
import TestSupport

/// The recorded traffic of a real client, `tangle.ndjson`.
struct RecordedTangle {
    struct Line: Decodable {
        let hash: Hash
        let trytes: Trytes
    }

    let transactions: [Hash: Transaction]

    init() throws {
        var transactions: [Hash: Transaction] = [:]
        for line in try Fixture.data("tangle.ndjson").split(separator: UInt8(ascii: "\n")) {
            let line = try JSONDecoder().decode(Line.self, from: line)
            transactions[line.hash] = try Transaction(trytes: line.trytes)
        }
        self.transactions = transactions
    }

    var tails: [Hash] { transactions.filter { $0.value.currentIndex == 0 }.map(\.key) }

    func assemble(_ tail: Hash) -> BundleOutcome {
        BundleAssembly.assemble(tail: tail) { transactions[$0] }
    }
}

/// As much of `channels.json` as says what lies where.
struct RecordedChannel: Decodable {
    struct Message: Decodable {
        let address: Hash
        let payload: Trytes
        /// Last index first, the tail last.
        let transactions: [Hash]
    }
    let name: String
    let messages: [Message]
    let conflicting: [Message]?
    let missing: [Int]?
    let incomplete: [Int]?

    static func all() throws -> [RecordedChannel] {
        try Fixture.json("channels.json", as: [RecordedChannel].self)
    }
}
