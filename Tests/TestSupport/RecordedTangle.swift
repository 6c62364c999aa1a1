import Foundation
import Tangle
import Ternary

/// The recorded traffic of a real client, `tangle.ndjson`.
package struct RecordedTangle {
    package struct Line: Decodable {
        package let hash: Hash
        package let trytes: Trytes
    }

    package let transactions: [Hash: Transaction]
    /// In the order in which the node saw them.
    package let order: [Hash]

    package init() throws {
        var transactions: [Hash: Transaction] = [:]
        var order: [Hash] = []
        for line in try Fixture.data("tangle.ndjson").split(separator: UInt8(ascii: "\n")) {
            let line = try JSONDecoder().decode(Line.self, from: line)
            transactions[line.hash] = try Transaction(trytes: line.trytes)
            order.append(line.hash)
        }
        self.transactions = transactions
        self.order = order
    }

    package var tails: [Hash] { transactions.filter { $0.value.currentIndex == 0 }.map(\.key) }

    package func assemble(_ tail: Hash) -> BundleOutcome {
        BundleAssembly.assemble(tail: tail) { transactions[$0] }
    }
}
