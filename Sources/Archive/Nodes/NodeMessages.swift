import Postgres
import Secrets
import Tangle
import Ternary
import Vault

/// An attachment as clients of Chrysalis see it: a message.
package struct NodeMessage: Sendable {
    /// Index 0 first.
    package let transactions: [Transaction]

    /// What a transaction of the legacy Tangle is called where messages have names of 32 bytes:
    /// BLAKE2b-256 of its hash's 81 characters, as an index is of an address. A message is called
    /// by its tail.
    package static func identifier(of hash: Hash) -> [UInt8] { Digest.blake2b(hash.trytes.ascii) }
}

extension Archive {
    /// Names of messages at an address, in the order of channels and of their sequences.
    ///
    /// - Parameters:
    ///   - index: BLAKE2b-256 of the address's 81 characters.
    ///   - limit: at most `nodeSearchLimit`; what is beyond is left out.
    package func nodeMessages(
        index: [UInt8], limit: Int, for asker: NodeAsker
    ) async throws -> NodeFinding<[[UInt8]]> {
        let rows = try await nodeStatements.attachments(
            [vault.nodeLookupHash(index, domain: NodeLookupKind.address.rawValue)],
            limit: min(limit, Self.nodeSearchLimit), for: asker)
        var names: [[UInt8]] = []
        for row in rows {
            let place = try NodePlace(row)
            guard let hashes = try nodeHashes(row, at: place)?.hashes, let tail = hashes.first,
                try row.optionalBytes("transactions").map(NodeIndexes.decode)?.contains(0) ?? true
            else { continue }
            names.append(NodeMessage.identifier(of: tail))
        }
        // A chain that is registered twice has each message twice.
        var known: Set<[UInt8]> = []
        return NodeFinding(
            names.filter { known.insert($0).inserted }, marks: try Self.marks(of: rows))
    }

    /// A message by its name; nil where there is none. Takes note of it as read.
    ///
    /// - Throws: `ArchiveError.damaged`, `.auditBehind`.
    package func nodeMessage(_ identifier: [UInt8], for asker: NodeAsker) async throws
        -> NodeFinding<NodeMessage>?
    {
        let lookup = vault.nodeLookupHash(
            identifier, domain: NodeLookupKind.transaction.rawValue)
        for row in try await nodeStatements.evidence([lookup], for: asker) {
            guard let bundle = try nodeBundle(row), let tail = bundle.hashes.first,
                NodeMessage.identifier(of: tail) == identifier
            else { continue }
            try noteRead(
                [bundle.place.sequence], of: bundle.place.channel,
                by: basis(of: asker?.grants(of: bundle.place.channel) ?? []))
            return NodeFinding(
                NodeMessage(transactions: bundle.transactions), marks: try Self.marks(of: [row]))
        }
        return nil
    }
}
