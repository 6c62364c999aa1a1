import Crawler
import Foundation
import Tangle
import Ternary

/// Dumps as the crawler's source: a past that does not change.
///
/// A first pass, in `init`, goes through every line once, recomputes every hash, and notes in an
/// index where each transaction stands that can be of a message. What a chain asks for is then read
/// where it stands: in the file, or, of what is packed or came through a pipe, in the index's spool.
/// So it does not matter in which order a dump has a chain's messages.
package struct DumpTangleSource: TangleSource {
    /// How far the first pass is.
    package typealias Progress = DumpScan.Progress

    /// Of what this run was given.
    package let report: DumpReport
    private let lookup: DumpLookup
    /// Stays as long as it is looked up in: a temporary one removes itself.
    private let holder: Holder

    /// Safe to share: nothing uses the index any more, it is only kept.
    private final class Holder: @unchecked Sendable {
        private let index: DumpIndex

        init(_ index: DumpIndex) { self.index = index }
    }

    /// Transactions of a sighting that are given along: more than an honest address has.
    private static let givenAlong = 64

    /// - Parameters:
    ///   - paths: `-` for standard input.
    ///   - index: the directory of the index, which is made where there is none: what it knows is not
    ///     read again. Nil for a temporary one.
    ///   - milestone: of lines that name none, in files that are not named after one.
    ///   - progress: told now and then.
    /// - Throws: `DumpError`; `CancellationError`. What keeps one file from being read to its end
    ///   stands in `report`.
    package init(
        paths: [String], index path: String? = nil, milestone: Int32? = nil,
        policy: DumpPolicy = DumpPolicy(),
        progress: @escaping (Progress) -> Void = { _ in }
    ) async throws {
        // An index may be used from another directory, later.
        let paths = paths.map {
            $0 == "-" || $0.hasPrefix("/")
                ? $0 : FileManager.default.currentDirectoryPath + "/" + $0
        }
        for path in paths where path != "-" { try Self.check(path) }
        let index = try DumpIndex(path: path, policy: policy)
        var scan = DumpScan(
            paths, into: index, milestone: milestone, policy: policy, progress: progress)
        var inputs: [Int] = []
        for path in paths { inputs.append(try await scan.read(path)) }
        try index.commit()
        var report = DumpReport()
        for input in Set(inputs).sorted() { report.add(index.state.inputs[input].report) }
        self.report = report
        lookup = try index.lookup()
        holder = Holder(index)
    }

    /// Before hours are spent on others.
    private static func check(_ path: String) throws(DumpError) {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw errno == ENOENT ? .missing(path: path) : .unreadable(path: path, .last)
        }
        guard [S_IFREG, S_IFIFO].contains(status.st_mode & S_IFMT) else {
            throw .notAFile(path: path)
        }
        guard access(path, R_OK) == 0 else { throw .unreadable(path: path, .last) }
    }

    package func sighting(at address: Hash) throws -> Sighting {
        let places = try lookup.places(DumpKey.address(address))
        var records: [DumpRecord] = []
        var hashes: [Hash] = []
        var seen: Set<Hash> = []
        for place in places {
            guard let record = try lookup.record(at: place), record.transaction.address == address,
                seen.insert(record.hash).inserted
            else { continue }
            hashes.append(record.hash)
            if records.count < Self.givenAlong { records.append(record) }
        }
        return Sighting(
            hashes: hashes, mayBeIncomplete: places.count >= DumpLookup.placeLimit,
            transactions: Self.checked(records))
    }

    package func transactions(_ hashes: [Hash]) throws -> [Hash: Transaction] {
        var records: [DumpRecord] = []
        for hash in hashes {
            if let record = try record(of: hash, where: { _ in true }) { records.append(record) }
        }
        return Self.checked(records)
    }

    /// A transaction of a dump with a milestone was confirmed by it.
    package func confirmed(_ hashes: [Hash]) throws -> [Hash: Int32?] {
        var milestones: [Hash: Int32?] = [:]
        for hash in hashes {
            let record = try record(of: hash) { $0.confirmation != .unconfirmed }
            if let told = record?.confirmation.told { milestones[hash] = .some(told) }
        }
        return milestones
    }

    private func record(
        of hash: Hash, where condition: (DumpRecord) -> Bool
    ) throws(DumpError) -> DumpRecord? {
        for place in try lookup.places(DumpKey.hash(hash)) {
            if let record = try lookup.record(at: place), record.hash == hash, condition(record) {
                return record
            }
        }
        return nil
    }

    /// Hashed again: the file may be another than the one that was read.
    private static func checked(_ records: [DumpRecord]) -> [Hash: Transaction] {
        let actual = TransactionHashing.hashes(of: records.map(\.transaction))
        var found: [Hash: Transaction] = [:]
        for (hash, record) in zip(actual, records) where hash == record.hash {
            found[hash] = record.transaction
        }
        return found
    }
}
