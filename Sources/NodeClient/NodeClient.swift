import Foundation
import Synchronization
import Tangle
import Ternary

/// One node, spoken to through IRI's HTTP API (tangle.md).
///
/// Every call throws `NodeError`, or `CancellationError` when its task is cancelled. Nothing is
/// retried here; `NodePool` does that.
package final class NodeClient: Sendable {
    /// Bytes of an answer beside its lists: braces, `duration`, a proxy's spaces.
    private static let slackBytes = 64 * 1024
    /// `"…81 trytes…",`
    private static let bytesPerHash = 84
    /// `"…2,673 trytes…",` and a little space.
    private static let bytesPerTransaction = Transaction.tryteCount + 8
    /// `false, `
    private static let bytesPerState = 8

    package let endpoint: NodeEndpoint
    let configuration: NodeClientConfiguration
    private let transport: CurlTransport
    private let gate: RequestGate
    private let learnt: Mutex<RequestLimits>

    /// - Parameter transport: may be shared among clients.
    package init(
        endpoint: NodeEndpoint, configuration: NodeClientConfiguration = .init(),
        transport: CurlTransport = CurlTransport()
    ) {
        self.endpoint = endpoint
        self.configuration = configuration
        self.transport = transport
        gate = RequestGate(
            limit: configuration.maximumInFlight, maximumWaiting: configuration.maximumWaiting)
        learnt = Mutex(RequestLimits(configuration))
    }

    /// How long lists are sent to this node.
    var limits: RequestLimits { learnt.withLock { $0 } }

    /// Keeps to what the node said of itself from now on.
    package func keep(to told: NodeAPIConfiguration) {
        var limits = RequestLimits(configuration)
        limits.lower(to: told)
        learnt.withLock { $0 = limits }
    }

    package func nodeInfo() async throws -> NodeInfo {
        try await call(GetNodeInfo())
    }

    package func nodeAPIConfiguration() async throws -> NodeAPIConfiguration {
        try await call(GetNodeAPIConfiguration())
    }

    /// Two tips.
    ///
    /// - Parameter depth: milestones to walk back; nodes allow up to 15.
    package func transactionsToApprove(depth: Int) async throws -> TransactionsToApprove {
        try await call(GetTransactionsToApprove(depth: depth))
    }

    /// For each transaction, whether the node holds it for confirmed. Long lists are sent in parts.
    ///
    /// - Parameter tips: nodes up to IRI 1.8.5 need one, such as the latest solid milestone.
    package func inclusionStates(
        of transactions: [Hash], tips: [Hash] = []
    ) async throws -> [Hash: Bool] {
        var states: [Hash: Bool] = [:]
        for part in transactions.deduplicated.parts(of: limits.hashes) {
            let command = GetInclusionStates(transactions: part, tips: tips)
            let answer = try await call(command, listBytes: part.count * Self.bytesPerState)
            guard answer.states.count == part.count else {
                throw error(
                    .unexpectedAnswer("\(answer.states.count) states for \(part.count)"),
                    command.command)
            }
            for (hash, state) in zip(part, answer.states) { states[hash] = state }
        }
        return states
    }

    /// Has the node do the proof of work.
    ///
    /// - Parameters:
    ///   - transactions: a bundle, in the order the API wants: last index first.
    ///   - minWeightMagnitude: trits at the end of each hash that are 0.
    /// - Returns: the attached transactions in the order of the node's answer; compare
    ///   `currentIndex`. What the node changed in them is not checked.
    package func attachToTangle(
        _ transactions: [Transaction], trunk: Hash, branch: Hash, minWeightMagnitude: Int
    ) async throws -> [Transaction] {
        let command = AttachToTangle(
            trunkTransaction: trunk, branchTransaction: branch,
            minWeightMagnitude: minWeightMagnitude, trytes: transactions.map(\.trytes))
        let answer = try await call(
            command, listBytes: transactions.count * Self.bytesPerTransaction,
            deadline: configuration.attachDeadline)
        try check(answer.trytes.count, against: transactions.count, command.command)
        return try answer.trytes.map { text in
            guard let transaction = Self.transaction(text) else {
                throw error(.unexpectedAnswer("no transaction"), command.command)
            }
            return transaction
        }
    }

    /// Has the node keep transactions. Long lists are sent in parts.
    package func storeTransactions(_ transactions: [Transaction]) async throws {
        for part in transactions.parts(of: limits.transactionsSubmitted) {
            _ = try await call(StoreTransactions(trytes: part.map(\.trytes)))
        }
    }

    /// Has the node pass transactions on. Long lists are sent in parts.
    package func broadcastTransactions(_ transactions: [Transaction]) async throws {
        for part in transactions.parts(of: limits.transactionsSubmitted) {
            _ = try await call(BroadcastTransactions(trytes: part.map(\.trytes)))
        }
    }

    /// The transactions with these hashes, each re-hashed before it counts. Long lists are fetched
    /// in parts; a transaction takes some 3 KB, so bound the list by the memory it may take.
    ///
    /// - Throws: nothing for hashes the node does not have or answers wrongly: they stand in
    ///   `unknown` and `refused`.
    package func transactions(_ hashes: [Hash]) async throws -> TransactionLookup {
        var lookup = TransactionLookup()
        for part in hashes.deduplicated.parts(of: limits.transactionsFetched) {
            let command = GetTrytes(hashes: part)
            let limit = part.count * Self.bytesPerTransaction + Self.slackBytes
            let answer = try await post(command, maximumBodyBytes: limit, deadline: nil)
            let received =
                if let plain = Self.plainTransactions(answer) { plain } else {
                    try read(command, answer, limit: limit).trytes.map { Self.received($0) }
                }
            try check(received.count, against: part.count, command.command)
            add(received, for: part, to: &lookup, command.command)
        }
        return lookup
    }

    private func add(
        _ answers: [Received], for hashes: [Hash], to lookup: inout TransactionLookup,
        _ operation: String
    ) {
        var asked: [Hash] = []
        var transactions: [Transaction] = []
        asked.reserveCapacity(answers.count)
        transactions.reserveCapacity(answers.count)
        for (hash, received) in zip(hashes, answers) {
            switch received {
            case .nothing: lookup.unknown.insert(hash)
            case .malformed:
                lookup.refused[hash] = error(.malformedTrytes(of: hash), operation)
            case .transaction(let transaction):
                asked.append(hash)
                transactions.append(transaction)
            }
        }
        let actual = TransactionHashing.hashes(of: transactions)
        for (index, hash) in asked.enumerated() {
            if actual[index] == hash {
                lookup.found[hash] = transactions[index]
            } else {
                lookup.refused[hash] = error(.wrongHash(asked: hash), operation)
            }
        }
    }

    /// What a node gave for one hash.
    private enum Received {
        /// It does not have it: null, or what IRI and Hornet answer, 2,673 nines.
        case nothing
        case malformed
        case transaction(Transaction)
    }

    private static func received(_ text: String?) -> Received {
        guard let text else { return .nothing }
        return transaction(text).map { received($0) } ?? .malformed
    }

    private static func received(_ transaction: Transaction) -> Received {
        let nine = TryteAlphabet.nine
        let isUnknown = transaction.trytes.ascii.allSatisfy { $0 == nine }
        return isUnknown ? .nothing : .transaction(transaction)
    }

    /// The transactions of an answer in its plain form; nil for any other, an error among them.
    private static func plainTransactions(_ answer: PostAnswer) -> [Received]? {
        guard let message = plain(answer), case .trytes(let ranges)? = message["trytes"] else {
            return nil
        }
        return ranges.map { range in
            guard let range else { return .nothing }
            let transaction = try? Transaction(trytes: message.trytes(range))
            return transaction.map { received($0) } ?? .malformed
        }
    }

    private static func plain(_ answer: PostAnswer) -> FlatMessage? {
        guard answer.status == 200, !answer.isCut, let message = FlatMessage(answer.body),
            message["error"] == nil, message["exception"] == nil
        else { return nil }
        return message
    }

    private static func transaction(_ text: String) -> Transaction? {
        guard text.utf8.count == Transaction.tryteCount, let trytes = try? Trytes(text) else {
            return nil
        }
        return try? Transaction(trytes: trytes)
    }

    private func check(_ received: Int, against asked: Int, _ operation: String) throws {
        if received < asked {
            throw error(.tooFewTrytes(asked: asked, received: received), operation)
        }
        if received > asked {
            throw error(.tooManyTrytes(asked: asked, received: received), operation)
        }
    }

    /// One `findTransactions`; an answer beyond `maximumHashes` is cut to its first part.
    func find(_ command: FindTransactions) async throws -> (hashes: [Hash], isCut: Bool) {
        let limit = configuration.maximumHashes * Self.bytesPerHash + Self.slackBytes
        let answer = try await post(command, maximumBodyBytes: limit, deadline: nil)
        var hashes: [Hash]
        if answer.isCut, let closed = AnswerReading.closingCutList(answer.body) {
            let whole = PostAnswer(status: answer.status, body: closed, isCut: false)
            do {
                hashes = try AnswerReading.read(
                    FindTransactions.Answer.self, from: whole, limit: limit
                ).hashes
            } catch {
                throw self.error(.tooLarge(limit: limit), command.command)
            }
        } else if let plain = Self.plain(answer)?.hashes("hashes") {
            hashes = plain
        } else {
            hashes = try read(command, answer, limit: limit).hashes
        }
        let isCut = answer.isCut || hashes.count > configuration.maximumHashes
        if hashes.count > configuration.maximumHashes {
            hashes.removeLast(hashes.count - configuration.maximumHashes)
        }
        return (hashes, isCut)
    }

    private func call<Command: NodeCommand>(
        _ command: Command, listBytes: Int = 0, deadline: Duration? = nil
    ) async throws -> Command.Answer {
        let limit = listBytes + Self.slackBytes
        let answer = try await post(command, maximumBodyBytes: limit, deadline: deadline)
        return try read(command, answer, limit: limit)
    }

    private func read<Command: NodeCommand>(
        _ command: Command, _ answer: PostAnswer, limit: Int
    ) throws -> Command.Answer {
        do {
            return try AnswerReading.read(Command.Answer.self, from: answer, limit: limit)
        } catch {
            throw self.error(error, command.command)
        }
    }

    /// - Parameter deadline: where another than the configured one, for a command during which the
    ///   node is silent.
    private func post(
        _ command: some NodeCommand, maximumBodyBytes: Int, deadline: Duration?
    ) async throws -> PostAnswer {
        guard let body = command.body() else {
            throw error(.transport(code: 0), command.command)
        }
        let request = PostRequest(
            endpoint: endpoint,
            headers: [
                "Content-Type: application/json", "Accept: application/json",
                "X-IOTA-API-Version: 1", "User-Agent: permanode",
                // Nodes and their proxies do not all answer it, and libcurl would wait for that.
                "Expect:",
            ],
            body: body,
            limits: TransferLimits(
                connectTimeout: configuration.connectTimeout,
                deadline: deadline ?? configuration.deadline,
                minimumBytesPerSecond: configuration.minimumBytesPerSecond,
                stallTime: deadline ?? configuration.stallTime,
                maximumBodyBytes: maximumBodyBytes))
        do {
            try await gate.enter()
            defer { gate.leave() }
            return try await transport.post(request)
        } catch let fault as TransferFault {
            throw NodeError(fault, operation: command.command, endpoint: endpoint)
        } catch is RequestGate.Full {
            throw error(.tooManyRequests, command.command)
        }
    }

    func error(_ kind: NodeError.Kind, _ operation: String) -> NodeError {
        NodeError(kind, operation: operation, endpoint: endpoint)
    }
}
