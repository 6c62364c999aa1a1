import Foundation
import Tangle
import Ternary

/// Whether and by what a dump says that a transaction was confirmed.
enum DumpConfirmation: Hashable, Sendable {
    case unconfirmed
    /// By which milestone is not known.
    case confirmed
    case milestone(Int32)

    /// As a record holds it.
    var code: UInt32 {
        switch self {
        case .unconfirmed: 0
        case .confirmed: 1
        case .milestone(let milestone): UInt32(max(0, milestone)) + 2
        }
    }

    init(code: UInt32) {
        switch code {
        case 0: self = .unconfirmed
        case 1: self = .confirmed
        default: self = .milestone(Int32(clamping: code - 2))
        }
    }

    /// As a source tells it; nil where it was not confirmed.
    var told: Int32?? {
        switch self {
        case .unconfirmed: nil
        case .confirmed: .some(nil)
        case .milestone(let milestone): .some(milestone)
        }
    }
}

/// What lines of dumps say, put together for hashing (tangle, *Dumps of the mainnet's history*).
struct DumpRows: Sendable {
    /// Transactions, 2,673 characters each; of the alphabet, all of them.
    private(set) var trytes: [UInt8] = []
    /// The hashes that the lines claim, 81 characters each.
    private(set) var claims: [UInt8] = []
    private(set) var confirmations: [DumpConfirmation] = []

    var count: Int { confirmations.count }

    /// For as many rows without growing.
    init(capacity: Int) {
        trytes.reserveCapacity(capacity * Transaction.tryteCount)
        claims.reserveCapacity(capacity * Hash.tryteCount)
        confirmations.reserveCapacity(capacity)
    }

    /// Reads a line without its line end. One that begins as a JSON object is
    /// `{hash, trytes, milestone}`; any other is one of a `.dmp` file: hash, trytes, and then, by
    /// era, nothing, the milestone, or whether it conflicted and the milestone; one byte between.
    ///
    /// - Parameters:
    ///   - milestone: of lines that name none.
    ///   - isWhole: false for what came before the end without a line end: a number may be cut.
    /// - Throws: the cause for which the line is rejected.
    mutating func add(
        _ line: UnsafeRawBufferPointer, milestone: Int32?, isWhole: Bool
    ) throws(DumpRejection) {
        if line.first == UInt8(ascii: "{") {
            try add(json: line)
        } else {
            try add(columns: line, milestone: milestone, isWhole: isWhole)
        }
    }

    private static let trytesStart = Hash.tryteCount + 1
    private static let trytesEnd = trytesStart + Transaction.tryteCount

    private mutating func add(
        columns line: UnsafeRawBufferPointer, milestone: Int32?, isWhole: Bool
    ) throws(DumpRejection) {
        guard line.count >= Self.trytesEnd else { throw .malformed }
        let confirmation: DumpConfirmation
        if line.count == Self.trytesEnd {
            guard let milestone else { throw .noMilestone }
            confirmation = .milestone(milestone)
        } else {
            let rest = UnsafeRawBufferPointer(rebasing: line[(Self.trytesEnd + 1)...])
            let told = try Self.confirmation(rest)
            // Of a number that may be cut off only so much is known that there was one.
            confirmation = isWhole ? told : told == .unconfirmed ? told : .confirmed
        }
        try add(
            hash: UnsafeRawBufferPointer(rebasing: line[..<Hash.tryteCount]),
            trytes: UnsafeRawBufferPointer(rebasing: line[Self.trytesStart..<Self.trytesEnd]),
            confirmation)
    }

    /// What stands behind the trytes: `MILESTONE`, or `CONFLICTING MILESTONE` with 0 or 1. What
    /// conflicted was referenced by the milestone, and not confirmed.
    private static func confirmation(
        _ rest: UnsafeRawBufferPointer
    ) throws(DumpRejection) -> DumpConfirmation {
        var digits = rest
        var conflicts = false
        if rest.count >= 2, rest[0] == UInt8(ascii: "0") || rest[0] == UInt8(ascii: "1"),
            !isDigit(rest[1])
        {
            conflicts = rest[0] == UInt8(ascii: "1")
            digits = UnsafeRawBufferPointer(rebasing: rest[2...])
        }
        guard (1...10).contains(digits.count), digits.allSatisfy(isDigit) else {
            throw .badMilestone
        }
        let value = digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        guard let milestone = Int32(exactly: value) else { throw .badMilestone }
        return conflicts ? .unconfirmed : .milestone(milestone)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private struct Object: Decodable {
        let hash: String
        let trytes: String
        let milestone: Int32?
    }

    private mutating func add(json line: UnsafeRawBufferPointer) throws(DumpRejection) {
        let object: Object
        do {
            object = try JSONDecoder().decode(Object.self, from: Data(line))
        } catch {
            throw .malformed
        }
        if let milestone = object.milestone, milestone < 0 { throw .badMilestone }
        let hash = Array(object.hash.utf8)
        let trytes = Array(object.trytes.utf8)
        // Nothing that can throw the cause on goes through a closure.
        let parts = Parts(hash: hash, trytes: trytes)
        if let cause = parts.fault { throw cause }
        append(
            hash[...], trytes[...],
            object.milestone.map { .milestone($0) } ?? .unconfirmed)
    }

    /// Whether a hash and trytes are what they should be.
    private struct Parts {
        let fault: DumpRejection?

        init(hash: [UInt8], trytes: [UInt8]) {
            fault = hash.withUnsafeBytes { hash in
                trytes.withUnsafeBytes { DumpRows.fault(hash: hash, trytes: $0) }
            }
        }
    }

    private mutating func add(
        hash: UnsafeRawBufferPointer, trytes: UnsafeRawBufferPointer,
        _ confirmation: DumpConfirmation
    ) throws(DumpRejection) {
        if let cause = Self.fault(hash: hash, trytes: trytes) { throw cause }
        append(hash, trytes, confirmation)
    }

    private mutating func append(
        _ hash: some Collection<UInt8>, _ trytes: some Collection<UInt8>,
        _ confirmation: DumpConfirmation
    ) {
        claims.append(contentsOf: hash)
        self.trytes.append(contentsOf: trytes)
        confirmations.append(confirmation)
    }

    private static func fault(
        hash: UnsafeRawBufferPointer, trytes: UnsafeRawBufferPointer
    ) -> DumpRejection? {
        guard hash.count == Hash.tryteCount, TryteAlphabet.contains(hash) else { return .badHash }
        guard trytes.count == Transaction.tryteCount, TryteAlphabet.contains(trytes) else {
            return .badTrytes
        }
        return nil
    }
}
