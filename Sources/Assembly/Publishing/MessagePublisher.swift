import Diagnostics
import Failures
import Foundation
import LocalTangle
import MAM
import NodeClient
import Tangle
import Ternary

/// Publishes a channel's messages through nodes, one after the other; the proof of work is done
/// here, on all processors.
///
/// A message is saved before it leaves, and kept until a node took it: who is killed begins with
/// it again. What a node does not take is tried on the next one, ever more slowly.
package struct MessagePublisher {
    /// Between any two of these something is durable that was not before.
    package enum FaultPoint: Sendable, CaseIterable, Hashable {
        case written, attached, stored, broadcast, sent
    }

    /// A message on its way.
    package struct Receipt: Sendable {
        /// From 1, of the whole channel.
        package let number: UInt64
        package let tail: Hash
    }

    /// Milestones that tips are chosen behind, as clients do.
    private static let depth = 3

    /// Seconds after which tips are too old for nodes to take what approves them.
    private static let attachmentLifetime: Int64 = 300

    private let file: PublisherFile
    private let nodes: [NodeClient]
    private let weight: Int
    private let tag: Trytes
    private let log: Log
    private let clock: @Sendable () -> Date
    private let faultPoint: @Sendable (FaultPoint) async throws -> Void
    private var channel: PublishedChannel
    private var node = 0

    /// - Parameters:
    ///   - nodes: at least one; tried in turn.
    ///   - weight: trits at the end of each hash that are 0.
    ///   - tag: at most 27 trytes.
    ///   - faultPoint: called wherever it may be cut off; throws there in tests.
    /// - Throws: what loading the file throws.
    package init(
        _ file: PublisherFile, nodes: [NodeClient], weight: Int, tag: Trytes, log: Log,
        clock: @escaping @Sendable () -> Date = { Date() },
        faultPoint: @escaping @Sendable (FaultPoint) async throws -> Void = { _ in }
    ) throws(PublishError) {
        self.file = file
        self.nodes = nodes
        self.weight = weight
        self.tag = tag
        self.log = log
        self.clock = clock
        self.faultPoint = faultPoint
        channel = try file.load()
    }

    /// Transactions at the next place that are looked at: 27 MB. A message has a few, and what is
    /// more is junk.
    private static let candidateLimit = 10_000
    /// Transactions a request asks for, as nodes have their limit.
    private static let transactionsTogether = 1_000

    /// Sends what was cut off, and makes sure that the file is no older copy: the ledger must
    /// have no message of the leaf that comes next.
    ///
    /// - Returns: The message that was cut off.
    /// - Throws: `PublishError.behind`, `.undecided`, and as `publish`.
    package mutating func begin() async throws -> Receipt? {
        let receipt = channel.pending == nil ? nil : try await send()
        let (root, address) = try channel.next()
        let (found, isWhole) = try await onSomeNode { node in
            let sighted = try await node.findTransactions(addresses: [address])
            let hashes = sighted.hashes.prefix(Self.candidateLimit)
            var found: [Hash: Transaction] = [:]
            for start in stride(from: 0, to: hashes.count, by: Self.transactionsTogether) {
                let part = hashes[start..<min(start + Self.transactionsTogether, hashes.count)]
                found.merge(try await node.transactions(Array(part)).found) { first, _ in first }
            }
            return (found, !sighted.mayBeIncomplete && hashes.count == sighted.hashes.count)
        }
        let requests = found.keys.compactMap { tail -> ReadRequest? in
            guard
                case .complete(let bundle) = BundleAssembly.assemble(
                    tail: tail, lookup: { found[$0] })
            else { return nil }
            return ReadRequest(
                payload: bundle.messageTrytes, root: root, sideKey: channel.sideKey)
        }
        // Junk at the address, which anybody can put there, says nothing.
        for case .success in MessageReader.read(requests, .full) {
            throw PublishError.behind(path: file.path)
        }
        guard isWhole else { throw PublishError.undecided(path: file.path) }
        return receipt
    }

    /// Publishes a message; returns when a node took it.
    ///
    /// - Throws: `WriteError`, `TangleError` for a text that is too long, `PublishError`, a
    ///   `NodeError` that no other try can mend, `CancellationError`. The message is sent by the
    ///   next `begin` where it was saved.
    package mutating func publish(_ text: String) async throws -> Receipt {
        var next = channel
        try next.write(text, at: Int64(clock().timeIntervalSince1970))
        // Whatever makes no bundle must not be saved as one.
        _ = try next.pending?.bundle(tag: tag)
        try file.save(next)
        channel = next
        try await faultPoint(.written)
        return try await send()
    }

    private mutating func send() async throws -> Receipt {
        var backoff = Backoff(first: .milliseconds(500), maximum: .seconds(60))
        while true {
            do {
                return try await sendOnce()
            } catch let error as NodeError where error.retryable {
                log.failure(error, "a message is not published yet", level: .warning)
                node += 1
                try await Task.sleep(for: backoff.next())
            }
        }
    }

    private mutating func sendOnce() async throws -> Receipt {
        guard let pending = channel.pending else { throw PublishError.fileDamaged(path: file.path) }
        let node = nodes[node % nodes.count]
        let now = Int64(clock().timeIntervalSince1970)
        var attached = pending.attached
        if attached.isEmpty || now - pending.attachedAt > Self.attachmentLifetime {
            attached = try await attach(pending, through: node, now: now)
            channel.attach(attached, at: now)
            try file.save(channel)
            try await faultPoint(.attached)
        }
        let lastFirst = Array(attached.reversed())
        try await node.storeTransactions(lastFirst)
        try await faultPoint(.stored)
        try await node.broadcastTransactions(lastFirst)
        try await faultPoint(.broadcast)
        channel.sent()
        try file.save(channel)
        try await faultPoint(.sent)
        return Receipt(number: channel.tree, tail: attached.first?.hash() ?? .null)
    }

    private func attach(
        _ pending: PublishedChannel.Pending, through node: NodeClient, now: Int64
    ) async throws -> [Transaction] {
        let tips = try await node.transactionsToApprove(depth: Self.depth)
        return try Attachment.attach(
            try pending.bundle(tag: tag), trunk: tips.trunkTransaction,
            branch: tips.branchTransaction, minWeightMagnitude: weight,
            attachmentTimestamp: now * 1000
        ) { (search) throws(TangleError) in
            try ParallelNonceSearch.run(search) { Task.isCancelled }
        }
    }

    /// Asks nodes in turn until one answers.
    private mutating func onSomeNode<Value>(
        _ ask: (NodeClient) async throws -> Value
    ) async throws -> Value {
        var backoff = Backoff(first: .milliseconds(500), maximum: .seconds(60))
        while true {
            do {
                return try await ask(nodes[node % nodes.count])
            } catch let error as NodeError where error.retryable {
                log.failure(error, "no node answers yet", level: .warning)
                node += 1
                try await Task.sleep(for: backoff.next())
            }
        }
    }
}
