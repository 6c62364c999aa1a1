import Ternary

/// What `findTransactions` looks for: any value inside one list, all lists that are there
/// (tangle, *IRI's HTTP API*). A query without lists finds nothing.
package struct TransactionQuery: Sendable, Hashable {
    package var addresses: [Hash]?
    package var bundles: [Hash]?
    /// 27 trytes each.
    package var tags: [Trytes]?
    package var approvees: [Hash]?

    package init(
        addresses: [Hash]? = nil, bundles: [Hash]? = nil, tags: [Trytes]? = nil,
        approvees: [Hash]? = nil
    ) {
        self.addresses = addresses
        self.bundles = bundles
        self.tags = tags
        self.approvees = approvees
    }
}
