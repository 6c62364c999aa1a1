import Crawler
import Foundation
import Tangle
import Ternary

/// Dumps as the crawler's source: a past that does not change.
///
/// The first pass, in `init`, reads every line once, recomputes every hash and notes where
/// each transaction stands; the files are read again, line by line, when something is asked.
package struct DumpTangleSource: TangleSource {
    /// Files at once: their number has 16 bits, and each stays open.
    package static let maximumFiles = 256
    /// Transactions at once: the index then takes some 1.4 GB.
    package static let maximumTransactions = 40_000_000
    /// Transactions hashed at a time.
    private static let batchCount = 256

    /// What became of the lines. Blank ones count as nothing.
    package struct Report: Sendable, Equatable, Codable {
        package var files = 0
        package var transactions = 0
        /// Rejected lines by cause.
        package var rejected: [String: Int] = [:]

        package var rejectedCount: Int { rejected.values.reduce(0, +) }

        package func rejected(_ cause: DumpRejection) -> Int { rejected[cause.rawValue] ?? 0 }

        fileprivate mutating func reject(_ cause: DumpRejection) {
            rejected[cause.rawValue, default: 0] += 1
        }
    }

    /// How far the first pass is.
    package struct Progress: Sendable {
        package let bytesRead: Int64
        package let byteCount: Int64
        package let report: Report
    }

    package let report: Report
    private let files: [DumpFile]
    private let index: DumpIndex

    /// - Parameter progress: Told now and then.
    /// - Throws: `DumpError`; `CancellationError`.
    package init(
        paths: [String], maximumTransactions: Int = maximumTransactions,
        progress: (Progress) -> Void = { _ in }
    ) throws {
        guard paths.count <= Self.maximumFiles else {
            throw DumpError.tooManyFiles(limit: Self.maximumFiles)
        }
        files = try paths.map { path throws(DumpError) in try DumpFile(path: path) }
        var pass = FirstPass(files: files, limit: maximumTransactions)
        for number in files.indices {
            try pass.read(file: number, progress: progress)
        }
        pass.index.sort()
        report = pass.report
        index = pass.index
    }

    package func sighting(at address: Hash) throws -> Sighting {
        var hashes: [Hash] = []
        var seen: Set<Hash> = []
        for place in index.places(address: address) {
            let line = try line(at: place)
            guard line.transaction.address == address, seen.insert(line.hash).inserted else {
                continue
            }
            hashes.append(line.hash)
        }
        return Sighting(hashes: hashes)
    }

    package func transactions(_ hashes: [Hash]) throws -> [Hash: Transaction] {
        var candidates: [DumpLine] = []
        for hash in hashes {
            for place in index.places(hash: hash) {
                let line = try line(at: place)
                guard line.hash == hash else { continue }
                candidates.append(line)
                break
            }
        }
        // Hashed again: the file may be another than the one of the first pass.
        let actual = TransactionHashing.hashes(of: candidates.map(\.transaction))
        var found: [Hash: Transaction] = [:]
        for (hash, line) in zip(actual, candidates) where hash == line.hash {
            found[hash] = line.transaction
        }
        return found
    }

    /// A transaction of a dump with a milestone was confirmed by it.
    package func confirmed(_ hashes: [Hash]) throws -> [Hash: Int32?] {
        var milestones: [Hash: Int32?] = [:]
        for hash in hashes {
            for place in index.places(hash: hash) {
                let line = try line(at: place)
                guard line.hash == hash, let milestone = line.milestone else { continue }
                milestones[hash] = .some(milestone)
                break
            }
        }
        return milestones
    }

    private func line(at place: DumpIndex.Place) throws(DumpError) -> DumpLine {
        let file = files[Int(place.file)]
        do {
            return try DumpLine(file.line(at: place.offset))
        } catch let error as DumpError {
            throw error
        } catch {
            throw .changed(path: file.path)
        }
    }

    private struct FirstPass {
        let files: [DumpFile]
        let limit: Int
        var report = Report()
        var index = DumpIndex()
        private var batch: [(line: DumpLine, place: DumpIndex.Place)] = []
        private var bytesBefore: Int64 = 0

        init(files: [DumpFile], limit: Int) {
            self.files = files
            self.limit = limit
        }

        mutating func read(file number: Int, progress: (Progress) -> Void) throws {
            var lines = DumpLines(files[number])
            while let line = try lines.next() {
                switch line {
                case .tooLong: report.reject(.tooLong)
                case .bytes(let bytes, let offset):
                    do throws(DumpRejection) {
                        let place = DumpIndex.Place(file: UInt16(number), offset: offset)
                        batch.append((try DumpLine(bytes), place))
                    } catch {
                        report.reject(error)
                    }
                }
                if batch.count == DumpTangleSource.batchCount {
                    try flush()
                    tell(lines.position, progress)
                }
            }
            try flush()
            report.files += 1
            tell(lines.position, progress)
            bytesBefore += files[number].byteCount
        }

        private mutating func flush() throws {
            try Task.checkCancellation()
            let hashes = TransactionHashing.hashes(of: batch.map(\.line.transaction))
            for (hash, entry) in zip(hashes, batch) {
                guard hash == entry.line.hash else {
                    report.reject(.wrongHash)
                    continue
                }
                guard index.count < limit else {
                    throw DumpError.tooManyTransactions(limit: limit)
                }
                index.add(address: entry.line.transaction.address, hash: hash, at: entry.place)
                report.transactions += 1
            }
            batch = []
        }

        private func tell(_ position: Int64, _ progress: (Progress) -> Void) {
            progress(
                Progress(
                    bytesRead: bytesBefore + position,
                    byteCount: files.map(\.byteCount).reduce(0, +), report: report))
        }
    }
}
