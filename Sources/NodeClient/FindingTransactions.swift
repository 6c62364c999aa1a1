import Ternary

extension NodeClient {
    /// The hashes of transactions on any of these addresses.
    ///
    /// Long lists are sent in parts. Where an answer is as long as lists that a node may have cut
    /// (`suspiciousHashCount`, or what the node tells), its addresses are asked for again in halves, down to a single one;
    /// what is still as long is told in `incomplete`. At most `maximumHashes` are collected, those
    /// of flooded addresses last, so that spam on one address hides nothing on another.
    package func findTransactions(addresses: [Hash]) async throws -> FoundTransactions {
        try await findTransactions(addresses) { FindTransactions(addresses: $0) }
    }

    /// The hashes of transactions with any of these bundle hashes; parts and limits as by address.
    package func findTransactions(bundles: [Hash]) async throws -> FoundTransactions {
        try await findTransactions(bundles) { FindTransactions(bundles: $0) }
    }

    /// The hashes of transactions with any of these as trunk or branch; parts and limits as by
    /// address.
    package func findTransactions(approvees: [Hash]) async throws -> FoundTransactions {
        try await findTransactions(approvees) { FindTransactions(approvees: $0) }
    }

    private func findTransactions(
        _ values: [Hash], _ command: ([Hash]) -> FindTransactions
    ) async throws -> FoundTransactions {
        let limits = limits
        var calm = HashCollection(limit: configuration.maximumHashes)
        var flooded = calm
        var incomplete: Set<Hash> = []
        // A stack; halving leaves at most one more part on it a level.
        var parts: [[Hash]] = values.deduplicated.parts(of: limits.addresses)
            .reversed()
        while let part = parts.popLast() {
            guard !calm.isFull else {
                incomplete.formUnion(part)
                continue
            }
            let answer = try await find(command(part))
            if !answer.isCut, answer.hashes.count < limits.suspiciousHashes {
                if !calm.add(answer.hashes) { incomplete.formUnion(part) }
            } else if part.count == 1 {
                flooded.add(answer.hashes)
                incomplete.formUnion(part)
            } else {
                parts.append(Array(part[(part.count / 2)...]))
                parts.append(Array(part[..<(part.count / 2)]))
            }
        }
        calm.add(flooded.hashes)
        return FoundTransactions(hashes: calm.hashes, incomplete: incomplete)
    }
}

/// Hashes in the order they came, each once, up to a limit.
struct HashCollection {
    private let limit: Int
    private var seen: Set<Hash> = []
    private(set) var hashes: [Hash] = []

    init(limit: Int) {
        self.limit = limit
    }

    var isFull: Bool { hashes.count >= limit }

    /// Takes what fits; false where that is not all.
    @discardableResult
    mutating func add(_ more: [Hash]) -> Bool {
        for hash in more where !seen.contains(hash) {
            guard !isFull else { return false }
            seen.insert(hash)
            hashes.append(hash)
        }
        return true
    }
}

extension Array where Element == Hash {
    /// Each once, in the order of their first places.
    var deduplicated: [Hash] {
        var seen: Set<Hash> = []
        return filter { seen.insert($0).inserted }
    }
}

extension Array {
    /// Consecutive parts of at most `count` (at least 1) elements.
    func parts(of count: Int) -> [[Element]] {
        let count = Swift.max(count, 1)
        return stride(from: 0, to: self.count, by: count).map {
            Array(self[$0..<Swift.min($0 + count, self.count)])
        }
    }
}
