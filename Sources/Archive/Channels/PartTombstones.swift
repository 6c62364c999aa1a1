import MAM
import Postgres
import Vault

/// Tombstones of parts of a tree that is crawled on.
///
/// What a period's forget takes lies in trees of two kinds.
///
/// - *Passed and gone*: every message of the tree goes, the head is beyond it, and it is not
///   watched any more. Nobody of the archive will ask for it again, so its **root** gets a
///   tombstone like those of a forgotten channel, and no later registration or import brings
///   any of it back.
/// - *Still needed*: the head, a watched tree, or one with messages of other periods. A
///   tombstone of its root would stop the channel's own crawl there (the head), lose late
///   leaves (a watched tree), or refuse the rest of the tree to who may have it. So the root
///   stays open, and each forgotten **leaf** gets a tombstone, made of root and leaf; what is
///   found at that leaf later, a twin of it included, is passed over, by this channel's looks
///   and imports and by those of any other channel that comes through the tree. The root's
///   hash is kept beside (`partly_forgotten_root`) and becomes a tombstone with the channel's
///   own end.
///
/// A bundle that waited for a key names no leaf, and a later attachment of a message that
/// stays is no leaf of its own: these are known again through the hash under the channel's key
/// by which their rows were found.
extension Archive {
    /// The tombstone of a root.
    package func rootTombstone(_ root: Root) -> [UInt8] {
        vault.tombstoneHash(root.revealPacked())
    }

    // A packed root has 49 bytes; what follows is longer or shorter, so no two kinds share an
    // input.

    /// The tombstone of one leaf of a tree, by its number as it is stored.
    package func leafTombstone(_ leaf: Int64, of root: Root) -> [UInt8] {
        var writer = ByteWriter()
        writer.write(Array("leaf".utf8))
        writer.write(root.revealPacked())
        writer.write(leaf)
        return vault.tombstoneHash(writer.bytes)
    }

    /// The tombstone of an attachment by the hash under which its row was found.
    package func attachmentTombstone(_ lookup: [UInt8], of channel: ChannelNumber) -> [UInt8] {
        tombstone("attachment", lookup, channel)
    }

    /// The tombstone of a bundle that waited, by the hash under which its row was found.
    package func candidateTombstone(_ lookup: [UInt8], of channel: ChannelNumber) -> [UInt8] {
        tombstone("candidate", lookup, channel)
    }

    private func tombstone(_ kind: String, _ lookup: [UInt8], _ channel: ChannelNumber) -> [UInt8] {
        var writer = ByteWriter()
        writer.write(Array(kind.utf8))
        writer.write(UInt64(bitPattern: channel.rawValue))
        writer.write(lookup)
        return vault.tombstoneHash(writer.bytes)
    }

    /// Those of the hashes that are tombstones.
    func forgottenHashes(_ hashes: [[UInt8]], on connection: PostgresConnection) async throws
        -> Set<[UInt8]>
    {
        guard !hashes.isEmpty else { return [] }
        let rows = try await connection.query(
            "select hash from tombstone where hash = any ($1)", [.bytesArray(hashes)])
        return Set(try rows.map { try $0.bytes("hash") })
    }

    /// Leaves out of the findings what was forgotten of their trees.
    ///
    /// Of a tree that was forgotten in part no message may be left by which a chain that leads
    /// back to it is known to go round; what was forgotten of it tells so.
    func leaveOutForgotten(_ entries: inout [CommitEntry], on connection: PostgresConnection)
        async throws
    {
        let named = try entries.map { $0.isRefused ? ForgottenNames() : try names(of: $0) }
        let forgotten = try await forgottenHashes(named.flatMap(\.all), on: connection)
        guard !forgotten.isEmpty else { return }
        for (index, names) in named.enumerated()
        where names.all.contains(where: forgotten.contains) {
            let found = entries[index].found
            entries[index].found.messages = zip(found.messages, names.messages).filter {
                forgotten.isDisjoint(with: $1)
            }.map(\.0)
            entries[index].found.waiting = zip(found.waiting, names.waiting).filter {
                !forgotten.contains($1)
            }.map(\.0)
            guard let advance = found.advance,
                let root = found.messages.first(where: { $0.position == advance.position })?.root
            else { continue }
            let passed = try await connection.query(
                "select 1 as one from partly_forgotten_root where channel = $1 and hash = $2",
                [.int64(entries[index].channel.rawValue), .bytes(rootTombstone(root))])
            if !passed.isEmpty { entries[index].step = .cycle }
        }
    }

    /// The tombstones that findings would have.
    private struct ForgottenNames {
        /// Of each message: its leaf's, and that of a bundle that waited.
        var messages: [[[UInt8]]] = []
        var waiting: [[UInt8]] = []

        var all: [[UInt8]] { messages.flatMap { $0 } + waiting }
    }

    private func names(of entry: CommitEntry) throws -> ForgottenNames {
        var names = ForgottenNames()
        for message in entry.found.messages {
            names.messages.append([
                leafTombstone(Int64(clamping: message.message.index), of: message.root),
                candidateTombstone(
                    try lookup(ofPayload: message.payload, entry.channel), of: entry.channel),
            ])
        }
        names.waiting = try entry.found.waiting.map {
            candidateTombstone(try lookup($0.bundle, entry.channel), of: entry.channel)
        }
        return names
    }
}
