import Foundation
import Tangle
import Ternary

/// A transaction of a dump, as one line tells it; the hash is what the line claims.
package struct DumpLine: Sendable, Equatable {
    package let hash: Hash
    package let transaction: Transaction
    /// The milestone that confirmed it; nil where the dump does not say.
    package let milestone: Int32?

    /// The first milestone whose dump has today's layout; before it the nonce stood where the
    /// tag is now (tangle.md, *Dumps of the mainnet's history*).
    static let firstMilestoneOfToday: Int32 = 242_662

    /// Reads a line without its line end. One that begins as a JSON object is
    /// `{hash, trytes, milestone}`; any other has to be a `.dmp` line: hash, trytes and
    /// milestone with one byte between them.
    ///
    /// - Throws: the cause for which the line is rejected.
    package init(_ line: Data) throws(DumpRejection) {
        if line.first == UInt8(ascii: "{") {
            try self.init(json: line)
        } else {
            try self.init(columns: Array(line))
        }
    }

    private struct Object: Decodable {
        let hash: String
        let trytes: String
        let milestone: Int32?
    }

    private init(json line: Data) throws(DumpRejection) {
        let object: Object
        do {
            object = try JSONDecoder().decode(Object.self, from: line)
        } catch {
            throw .malformed
        }
        if let milestone = object.milestone, milestone < 0 { throw .badMilestone }
        try self.init(
            hash: Array(object.hash.utf8), trytes: Array(object.trytes.utf8),
            milestone: object.milestone)
    }

    private init(columns line: [UInt8]) throws(DumpRejection) {
        let trytesStart = Hash.tryteCount + 1
        let milestoneStart = trytesStart + Transaction.tryteCount + 1
        guard line.count > milestoneStart else { throw .malformed }
        let digits = line[milestoneStart...].prefix { $0 != UInt8(ascii: "\r") }
        guard let milestone = Int32(String(decoding: digits, as: UTF8.self)), milestone >= 0 else {
            throw .badMilestone
        }
        guard milestone >= Self.firstMilestoneOfToday else { throw .unsupportedEra }
        try self.init(
            hash: Array(line[..<Hash.tryteCount]),
            trytes: Array(line[trytesStart..<milestoneStart - 1]), milestone: milestone)
    }

    private init(hash: [UInt8], trytes: [UInt8], milestone: Int32?) throws(DumpRejection) {
        guard let hash = try? Hash(trytes: Trytes(ascii: hash)) else { throw .badHash }
        guard let trytes = try? Trytes(ascii: trytes),
            let transaction = try? Transaction(trytes: trytes)
        else { throw .badTrytes }
        self.hash = hash
        self.transaction = transaction
        self.milestone = milestone
    }
}

/// Why a line of a dump is not taken.
package enum DumpRejection: String, Error, Sendable, CaseIterable, Codable {
    /// Longer than any transaction's line.
    case tooLong = "too-long"
    /// Neither a JSON object of the right shape nor a line of a `.dmp` file.
    case malformed
    case badHash = "bad-hash"
    case badTrytes = "bad-trytes"
    case badMilestone = "bad-milestone"
    /// A `.dmp` line of a time with another layout of transactions.
    case unsupportedEra = "unsupported-era"
    /// The trytes hash to something else than the line says.
    case wrongHash = "wrong-hash"

    /// For people.
    package var explanation: String {
        switch self {
        case .tooLong: "longer than a transaction's line"
        case .malformed: "neither a JSON object nor a line of a .dmp file"
        case .badHash: "the hash is not 81 trytes"
        case .badTrytes: "the trytes are not 2,673"
        case .badMilestone: "the milestone is not a number, or more follows it"
        case .unsupportedEra: "from before milestone \(DumpLine.firstMilestoneOfToday)"
        case .wrongHash: "the trytes hash to something else"
        }
    }
}
