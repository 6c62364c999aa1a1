/// What several askers need of one kind, on its way into batches: while one batch is worked on, the
/// next one gathers. Nobody waits for time to pass: what finds no batch under way goes at once.
package struct Gathering<Request> {
    package struct Entry {
        /// By a number of his own.
        package let asker: Int
        package let request: Request
        fileprivate let weight: Int
    }

    private let atOnce: Int
    private let weightLimit: Int
    private let enough: Int
    private var waiting: [Entry] = []
    private var underWay = 0

    /// - Parameters:
    ///   - atOnce: batches under way at the same time.
    ///   - weightLimit: what the requests of a batch weigh together at most; one request alone may
    ///     weigh more.
    ///   - enough: what the requests of a batch weigh at least that begins beside another; one
    ///     that finds none under way has no company to wait for.
    package init(atOnce: Int, weightLimit: Int, enough: Int = 1) {
        self.atOnce = max(1, atOnce)
        self.weightLimit = weightLimit
        self.enough = enough
    }

    /// Requests that no batch has taken yet.
    package var count: Int { waiting.count }

    package mutating func add(_ request: Request, weight: Int = 1, of asker: Int) {
        waiting.append(Entry(asker: asker, request: request, weight: weight))
    }

    /// The next batch, in the order in which its requests came; nil where none is to begin now.
    /// Whoever takes one says when it has ended.
    package mutating func next() -> [Entry]? {
        guard underWay < atOnce, !waiting.isEmpty, underWay == 0 || hasEnough else { return nil }
        var weight = 0
        var count = 0
        for entry in waiting {
            weight += entry.weight
            if count > 0, weight > weightLimit { break }
            count += 1
        }
        let batch = Array(waiting.prefix(count))
        waiting.removeFirst(count)
        underWay += 1
        return batch
    }

    private var hasEnough: Bool {
        var weight = 0
        return waiting.contains { entry in
            weight += entry.weight
            return weight >= enough
        }
    }

    /// A batch has ended.
    package mutating func ended() { underWay = max(0, underWay - 1) }

    /// The asker wants no more; what of his is in a batch goes on.
    package mutating func remove(_ asker: Int) { waiting.removeAll { $0.asker == asker } }
}
