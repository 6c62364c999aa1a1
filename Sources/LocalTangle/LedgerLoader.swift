import Failures
import Foundation
import Tangle
import Ternary

/// Reads NDJSON files of `{hash, trytes, milestone}` into a ledger, a batch at a time.
package enum LedgerLoader {
    /// Bytes of a line; one of a transaction takes about 2,800.
    package static let maximumLineBytes = 16_384
    /// Rejected lines that are described; more are only counted.
    package static let maximumDescriptions = 100
    /// Transactions hashed at a time.
    static let batchCount = 256
    /// The highest milestone taken; no network numbered beyond some millions.
    static let milestones = 0...Int(Int32.max)

    /// What became of the lines of one file. Blank lines count as neither.
    package struct Report: Sendable, Equatable {
        /// New transactions.
        package var accepted = 0
        /// Transactions that the ledger had.
        package var known = 0
        package var rejected = 0
        /// The first `maximumDescriptions` rejected lines, in the order they were noticed.
        package var rejections: [Rejection] = []

        package init() {}
    }

    package struct Rejection: Sendable, Equatable {
        /// Counted from 1.
        package let line: Int
        package let reason: Reason
    }

    package enum Reason: Sendable, Equatable {
        case tooLong
        case notJSON
        case badHash
        case badTrytes
        case badMilestone
        /// The trytes hash to something else.
        case wrongHash
    }

    /// - Throws: `LoadError`: the file cannot be read, or the ledger is full.
    package static func load(path: String, into ledger: Ledger) throws(LoadError) -> Report {
        guard let file = FileHandle(forReadingAtPath: path) else {
            throw .unreadable(path: path)
        }
        defer { try? file.close() }
        var load = Load(ledger: ledger)
        var lines = LineSplitter(maximumBytes: maximumLineBytes)
        do {
            while let chunk = try file.read(upToCount: 1 << 16), !chunk.isEmpty {
                for line in lines.split(chunk) { try load.take(line) }
            }
            if let line = lines.rest() { try load.take(line) }
            try load.flush()
        } catch let error as LedgerError {
            throw .ledger(error)
        } catch {
            throw .unreadable(path: path)
        }
        return load.report
    }
}

package enum LoadError: Failure, Equatable {
    case unreadable(path: String)
    case ledger(LedgerError)

    package var code: String {
        switch self {
        case .unreadable: "local-tangle.unreadable-file"
        case .ledger(let error): error.code
        }
    }

    package var operation: String { "load transactions" }

    package var subject: String? {
        switch self {
        case .unreadable(let path): path
        case .ledger: nil
        }
    }

    package var publicText: String {
        switch self {
        case .unreadable(let path): "\(path) cannot be read"
        case .ledger(let error): error.publicText
        }
    }
}

/// One file's progress.
private struct Load {
    struct Line: Decodable {
        let hash: String
        let trytes: String
        let milestone: Int?
    }

    let ledger: Ledger
    var report = LedgerLoader.Report()
    private var number = 0
    private var batch: [(line: Int, entry: LedgerEntry)] = []

    init(ledger: Ledger) { self.ledger = ledger }

    mutating func take(_ line: LineSplitter.Line) throws(LedgerError) {
        number += 1
        switch line {
        case .tooLong: reject(number, .tooLong)
        case .bytes(let bytes):
            guard bytes.contains(where: { $0 > UInt8(ascii: " ") }) else { return }
            switch Self.entry(bytes) {
            case .failure(let rejected): reject(number, rejected.reason)
            case .success(let entry): batch.append((number, entry))
            }
        }
        if batch.count == LedgerLoader.batchCount { try flush() }
    }

    mutating func flush() throws(LedgerError) {
        let hashes = TransactionHashing.hashes(of: batch.map(\.entry.transaction))
        var entries: [LedgerEntry] = []
        for (hash, (line, entry)) in zip(hashes, batch) {
            if hash == entry.hash { entries.append(entry) } else { reject(line, .wrongHash) }
        }
        batch = []
        let added = try ledger.insert(entries)
        report.accepted += added
        report.known += entries.count - added
    }

    private mutating func reject(_ line: Int, _ reason: LedgerLoader.Reason) {
        report.rejected += 1
        guard report.rejections.count < LedgerLoader.maximumDescriptions else { return }
        report.rejections.append(LedgerLoader.Rejection(line: line, reason: reason))
    }

    private struct Rejected: Error { let reason: LedgerLoader.Reason }

    private static func entry(_ bytes: Data) -> Result<LedgerEntry, Rejected> {
        guard let line = try? JSONDecoder().decode(Line.self, from: bytes) else {
            return .failure(Rejected(reason: .notJSON))
        }
        guard let hash = try? Hash(line.hash) else { return .failure(Rejected(reason: .badHash)) }
        guard let trytes = try? Trytes(line.trytes),
            let transaction = try? Transaction(trytes: trytes)
        else { return .failure(Rejected(reason: .badTrytes)) }
        if let milestone = line.milestone, !LedgerLoader.milestones.contains(milestone) {
            return .failure(Rejected(reason: .badMilestone))
        }
        return .success(
            LedgerEntry(hash: hash, transaction: transaction, milestone: line.milestone))
    }
}
