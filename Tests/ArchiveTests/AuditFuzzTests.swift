import Archive
import Foundation
import TestSupport
import Testing
import Vault

/// Chains of the audit log that were tampered with at random.
@Suite struct AuditFuzzTests {
    private static func chain(_ count: Int, using random: inout SeededGenerator) -> [AuditEntry] {
        let writer = ChannelNumber.random()
        var hash = AuditEntry.start(of: writer)
        return (0..<count).map { number in
            let entry = AuditEntry(
                after: hash, writer: writer, number: Int64(number),
                at: Date(timeIntervalSince1970: Double(1_800_000_000 + number)),
                kind: AuditKind.allCases.randomElement(using: &random)?.rawValue ?? "",
                actor: Bool.random(using: &random) ? .random() : nil, leaf: .random(),
                sealedDetails: Bool.random(using: &random) ? bytes(40, using: &random) : nil)
            hash = entry.hash
            return entry
        }
    }

    private static func bytes(_ count: Int, using random: inout SeededGenerator) -> [UInt8] {
        (0..<count).map { _ in .random(in: 0...255, using: &random) }
    }

    private static func faults(_ entries: [AuditEntry], of writer: ChannelNumber, count: Int)
        -> [AuditFault]
    {
        var check = AuditChainCheck(writer)
        var faults = entries.compactMap { check.check($0) }
        if let fault = check.end(expected: Int64(count)) { faults.append(fault) }
        return faults
    }

    /// One field of an entry changed, its hash left as it was.
    private static func changed(_ entry: AuditEntry, using random: inout SeededGenerator)
        -> AuditEntry
    {
        var (writer, number, at, kind) = (entry.writer, entry.number, entry.at, entry.kind)
        var (actor, leaf, details, hash) = (
            entry.actor, entry.leaf, entry.sealedDetails, entry.hash
        )
        switch Int.random(in: 0..<8, using: &random) {
        case 0: writer = .random()
        case 1:
            let odd: [Int64] = [.min, .max, -1, number &+ 1, number &- 1, 1 << 40]
            number = odd.randomElement(using: &random) ?? -1
        case 2:
            let odd = [
                Double.infinity, -.infinity, .nan, 1e300, -1e300, 0, at.timeIntervalSince1970 + 1,
            ]
            at = Date(timeIntervalSince1970: odd.randomElement(using: &random) ?? 0)
        case 3:
            kind =
                [kind + " ", "", "\u{0}", String(kind.dropLast())]
                .randomElement(using: &random) ?? ""
        case 4: actor = actor == nil ? .random() : nil
        case 5: leaf = .random()
        case 6:
            switch Int.random(in: 0..<3, using: &random) {
            case 0: details = details == nil ? [] : nil
            case 1: details = (details ?? []) + [0]
            default:
                var flipped = details ?? [0]
                let index = Int.random(in: flipped.indices, using: &random)
                flipped[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                details = flipped
            }
        default:
            switch Int.random(in: 0..<3, using: &random) {
            case 0: hash = []
            case 1: hash = bytes(100, using: &random)
            default:
                let index = Int.random(in: hash.indices, using: &random)
                hash[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            }
        }
        return AuditEntry(
            writer: writer, number: number, at: at, kind: kind, actor: actor, leaf: leaf,
            sealedDetails: details, hash: hash)
    }

    /// The same entry with another kind, and with the hash that then belongs to it.
    private static func forged(_ entries: [AuditEntry], _ index: Int) -> AuditEntry {
        let entry = entries[index]
        let before = index > 0 ? entries[index - 1].hash : AuditEntry.start(of: entry.writer)
        return AuditEntry(
            after: before, writer: entry.writer, number: entry.number, at: entry.at,
            kind: entry.kind + "x", actor: entry.actor, leaf: entry.leaf,
            sealedDetails: entry.sealedDetails)
    }

    /// What somebody with the database could do to a chain, but for making a new end of it: that is
    /// what signed heads are for.
    private static func mutated(
        _ chain: [AuditEntry], forging: Bool, using random: inout SeededGenerator
    ) -> (entries: [AuditEntry], how: String) {
        var entries = chain
        let (one, two) = (
            Int.random(in: chain.indices, using: &random),
            Int.random(in: chain.indices, using: &random)
        )
        let range = min(one, two)..<(max(one, two) + 1)
        switch Int.random(in: 0..<(forging ? 9 : 7), using: &random) {
        case 0:
            entries[one] = changed(entries[one], using: &random)
            return (entries, "changed \(one)")
        case 1:
            entries.removeSubrange(range)
            return (entries, "removed \(range)")
        case 2:
            entries.removeLast(entries.count - range.lowerBound)
            return (entries, "cut at \(range.lowerBound)")
        case 3:
            entries.swapAt(one, two)
            return (entries, "swapped \(one) and \(two)")
        case 4:
            entries[range].reverse()
            return (entries, "turned \(range)")
        case 5:
            entries.insert(entries[one], at: two)
            return (entries, "\(one) again at \(two)")
        case 6:
            let other = Self.chain(chain.count, using: &random)
            entries.replaceSubrange(range, with: other[range])
            return (entries, "another chain's \(range)")
        case 7:
            // But for the last, after which nothing would tell.
            let index = min(one, max(chain.count - 2, 0))
            guard index < chain.count - 1 else { return (entries, "") }
            entries[index] = forged(entries, index)
            return (entries, "forged \(index)")
        default:
            entries.insert(forged(entries, one), at: one)
            return (entries, "forged beside \(one)")
        }
    }

    @Test func whateverIsDoneToAChainIsFound() {
        var random = SeededGenerator.announced()
        var found = 0
        for _ in 0..<4000 {
            let chain = Self.chain(.random(in: 1...24, using: &random), using: &random)
            let writer = chain[0].writer
            #expect(Self.faults(chain, of: writer, count: chain.count).isEmpty)
            // Of two changes neither forges: the second could make the forged entry the last.
            let isTwice = Bool.random(using: &random)
            var (entries, how) = Self.mutated(chain, forging: !isTwice, using: &random)
            if isTwice, !entries.isEmpty {
                let more = Self.mutated(entries, forging: false, using: &random)
                (entries, how) = (more.entries, "\(how), \(more.how)")
            }
            // Two changes may undo each other, and a part may be turned onto itself.
            guard entries != chain else { continue }
            found += 1
            #expect(
                !Self.faults(entries, of: writer, count: chain.count).isEmpty,
                "\(how) of \(chain.count)")
        }
        #expect(found > 3000)
    }

    @Test func entriesOfAnyKindNeverTrap() {
        var random = SeededGenerator.announced()
        for _ in 0..<2000 {
            var entries = Self.chain(.random(in: 1...6, using: &random), using: &random)
            for index in entries.indices {
                entries[index] = Self.changed(entries[index], using: &random)
            }
            entries.shuffle(using: &random)
            let faults = Self.faults(entries, of: .random(), count: .max)
            #expect(!faults.isEmpty)
        }
    }
}
