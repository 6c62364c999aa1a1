import Foundation
import Postgres
import Tangle
import Ternary
import Vault

/// Who asks as of a node: nil where nobody was let in by a token.
package typealias NodeAsker = ChannelScope?

/// What was found for a node's command.
package struct NodeFinding<Value: Sendable>: Sendable {
    package let value: Value
    /// The channels it is of, with their `readersEpoch` when it was read.
    package let marks: [ChannelNumber: Int64]

    init(_ value: Value, marks: [ChannelNumber: Int64]) {
        self.value = value
        self.marks = marks
    }
}

/// What a node's commands are answered from. Of channels that the asker may not know, are
/// restricted or forgotten, nothing is found, by the same statements as for what never was.
extension Archive {
    /// Attachments that one call of `nodeTransactions` goes through: 100,000 transactions of
    /// meters, and some 20 MB.
    package static let nodeSearchLimit = 33_000

    /// Transactions that one call gives at most: some megabytes.
    package static let nodeTrytesLimit = 1000

    /// Transactions whose bundles one statement reads: of meters half a megabyte; the longest
    /// bundles take a megabyte and a half each.
    private static let nodeEvidenceBatch = 100

    /// The hashes of transactions, in the order of channels and of their sequences, the last
    /// index of a bundle first, as clients publish them.
    ///
    /// - Returns: nil where more than `limit` are found, or there is more to go through than
    ///   `nodeSearchLimit`.
    package func nodeTransactions(
        _ query: TransactionQuery, limit: Int, for asker: NodeAsker
    ) async throws -> NodeFinding<[Hash]>? {
        let terms = NodeTerms(query, of: self)
        let rows = try await nodeStatements.attachments(
            terms.lookups, limit: Self.nodeSearchLimit + 1, for: asker)
        guard rows.count <= Self.nodeSearchLimit else { return nil }
        var found: [Hash] = []
        var start = rows.startIndex
        while start < rows.endIndex {
            let place = try NodePlace(rows[start])
            let end = try rows[start...].firstIndex { try NodePlace($0) != place } ?? rows.endIndex
            if let hashes = try nodeHashes(rows[start], at: place) {
                let matches = try terms.matches(rows[start..<end], count: hashes.hashes.count)
                found += matches.sorted(by: >).map { hashes.hashes[$0] }
            }
            guard found.count <= limit else { return nil }
            start = end
        }
        // A chain that is registered twice has each transaction twice.
        var known: Set<Hash> = []
        return NodeFinding(
            found.filter { known.insert($0).inserted }, marks: try Self.marks(of: rows))
    }

    /// Transactions by hash, as they were on the ledger; what is not known is left out. Takes
    /// note of the messages as read.
    ///
    /// - Parameter hashes: at most `nodeTrytesLimit`; more are left out.
    /// - Throws: `ArchiveError.damaged`, `.auditBehind`.
    package func nodeTrytes(_ hashes: [Hash], for asker: NodeAsker) async throws
        -> NodeFinding<[Hash: Trytes]>
    {
        let wanted = Set(hashes.prefix(Self.nodeTrytesLimit))
        let lookups = wanted.map { nodeLookup(.transaction, $0.trytes) }
        var found: [Hash: Trytes] = [:]
        var read: [ChannelNumber: Set<Int64>] = [:]
        var marks: [ChannelNumber: Int64] = [:]
        for start in stride(from: 0, to: lookups.count, by: Self.nodeEvidenceBatch) {
            let part = lookups[start..<min(start + Self.nodeEvidenceBatch, lookups.count)]
            let rows = try await nodeStatements.evidence(Array(part), for: asker)
            marks.merge(try Self.marks(of: rows), uniquingKeysWith: min)
            for row in rows {
                guard let bundle = try nodeBundle(row) else { continue }
                for (hash, transaction) in zip(bundle.hashes, bundle.transactions)
                where wanted.contains(hash) {
                    found[hash] = transaction.trytes
                    read[bundle.place.channel, default: []].insert(bundle.place.sequence)
                }
            }
        }
        for (channel, sequences) in read {
            try noteRead(
                sequences, of: channel, by: basis(of: asker?.grants(of: channel) ?? []))
        }
        return NodeFinding(found, marks: marks)
    }

    /// Whether the ledger is known to have confirmed each transaction, in the order asked.
    package func nodeStates(_ hashes: [Hash], for asker: NodeAsker) async throws -> [Bool] {
        let lookups = hashes.map { nodeLookup(.transaction, $0.trytes) }
        let confirmed = try await nodeStatements.confirmed(lookups, for: asker)
        return lookups.map(confirmed.contains)
    }

    /// How far the channels' readers had been fenced when something was found in them.
    static func marks(of rows: [PostgresRow]) throws -> [ChannelNumber: Int64] {
        try Dictionary(
            rows.map { (try $0.channelNumber("channel"), try $0.int64("readers_epoch")) },
            uniquingKeysWith: min)
    }

    struct NodeBundle {
        let place: NodePlace
        let transactions: [Transaction]
        let hashes: [Hash]
    }

    /// Nil where it was forgotten meanwhile.
    func nodeBundle(_ row: PostgresRow) throws -> NodeBundle? {
        let place = try NodePlace(row)
        guard let hashes = try nodeHashes(row, at: place) else { return nil }
        do {
            let (head, evidence) = (SealedColumn.messageHead, SealedColumn.attachmentEvidence)
            let opened = try vault.open(
                row.bytes("sealed_head"), head,
                head.context(place.channel, row.period("head_period"), row: place.sequence))
            let sealed = try vault.open(
                row.bytes("sealed_evidence"), evidence,
                evidence.context(place.channel, row.period("period"), row: place.row))
            let transactions = try EvidenceEncoding.decode(
                sealed, head: MessageHead.payload(encoded: opened), address: hashes.address,
                bundle: hashes.bundle, hashes: hashes.hashes)
            return NodeBundle(place: place, transactions: transactions, hashes: hashes.hashes)
        } catch {
            return try Self.absence(error, of: .attachmentEvidence, at: place)
        }
    }

    /// Nil of a value that was forgotten meanwhile; of any other, why it cannot be read.
    private static func absence<Value>(
        _ error: any Error, of column: SealedColumn, at place: NodePlace
    ) throws -> Value? {
        switch error {
        case VaultError.forgotten: return nil
        case is VaultError, is ArchiveError: throw error
        default: throw ArchiveError.damaged(table: column.table, channel: place.channel)
        }
    }

    /// Nil where it was forgotten meanwhile.
    func nodeHashes(_ row: PostgresRow, at place: NodePlace) throws -> NodeHashes? {
        let column = SealedColumn.nodeHashes
        do {
            return try NodeHashes(
                encoded: vault.open(
                    row.bytes("sealed_hashes"), column,
                    column.context(place.channel, row.period("period"), row: place.row)))
        } catch {
            return try Self.absence(error, of: column, at: place)
        }
    }
}

/// Where an attachment lies.
struct NodePlace: Equatable {
    let channel: ChannelNumber
    let sequence: Int64
    let number: Int

    init(_ row: PostgresRow) throws {
        channel = try row.channelNumber("channel")
        sequence = try row.int64("sequence")
        number = Int(try row.int32("number"))
    }

    var row: [UInt8] { SealedColumn.attachmentRow(sequence, number: number) }
}

/// What is asked for, as it is looked up.
private struct NodeTerms {
    /// What a lookup that is found tells.
    private struct Term {
        /// Of the lists asked for.
        let list: Int
        /// The transaction before is meant, whose trunk within the bundle this one is.
        let isTrunk: Bool
    }

    private var terms: [[UInt8]: [Term]] = [:]
    private var listCount = 0

    init(_ query: TransactionQuery, of archive: Archive) {
        func add(_ kind: NodeLookupKind, _ values: [Trytes], isTrunk: Bool = false) {
            for value in Set(values) {
                terms[archive.nodeLookup(kind, value), default: []].append(
                    Term(list: listCount, isTrunk: isTrunk))
            }
        }
        if let addresses = query.addresses {
            add(.address, addresses.map(\.trytes))
            listCount += 1
        }
        if let bundles = query.bundles {
            add(.bundle, bundles.map(\.trytes))
            listCount += 1
        }
        if let tags = query.tags {
            add(.tag, tags)
            listCount += 1
        }
        if let approvees = query.approvees {
            add(.approvee, approvees.map(\.trytes))
            add(.transaction, approvees.map(\.trytes), isTrunk: true)
            listCount += 1
        }
    }

    var lookups: [[UInt8]] { Array(terms.keys) }

    /// Indexes of the transactions of one attachment that have a value of every list.
    func matches(_ rows: ArraySlice<PostgresRow>, count: Int) throws -> Set<Int> {
        var lists = [Set<Int>](repeating: [], count: listCount)
        for row in rows {
            let indexes =
                try row.optionalBytes("transactions").map(NodeIndexes.decode) ?? Array(0..<count)
            for term in terms[try row.bytes("lookup")] ?? [] {
                lists[term.list].formUnion(term.isTrunk ? indexes.map { $0 - 1 } : indexes)
            }
        }
        let all = lists.dropFirst().reduce(lists.first ?? []) { $0.intersection($1) }
        return all.filter { (0..<count).contains($0) }
    }
}
