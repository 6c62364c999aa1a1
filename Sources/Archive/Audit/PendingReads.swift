import Foundation
import Vault

/// Reads that are not in the audit log yet, added up by reader, channel and grants.
///
/// A value: it writes nothing and knows no clock.
struct PendingReads: Sendable {
    /// Who read what.
    struct Place: Hashable, Sendable {
        let reader: AuditActor
        let channel: ChannelNumber
        var basis = ReadBasis.none
    }

    struct Tally: Sendable, Equatable {
        var messages: Int64
        /// The lowest and the highest sequence read.
        var sequences: ClosedRange<Int64>
        /// When the archive took the first and the last of them in, where that is known.
        var seen: ClosedRange<Date>?
        var firstAt: Date
        var lastAt: Date

        mutating func add(_ other: Tally) {
            messages += other.messages
            sequences =
                min(
                    sequences.lowerBound, other.sequences.lowerBound)...max(
                    sequences.upperBound, other.sequences.upperBound)
            if let one = seen, let two = other.seen {
                seen =
                    min(one.lowerBound, two.lowerBound)...max(one.upperBound, two.upperBound)
            } else {
                seen = seen ?? other.seen
            }
            firstAt = min(firstAt, other.firstAt)
            lastAt = max(lastAt, other.lastAt)
        }
    }

    /// Places that may wait: some megabytes.
    static let placeLimit = 10_000

    private(set) var tallies: [Place: Tally] = [:]
    /// When the oldest that waits here or is being written came.
    private var waitingSince: ContinuousClock.Instant?
    private var writingSince: ContinuousClock.Instant?

    var isEmpty: Bool { tallies.isEmpty }

    /// How long the oldest read has been waiting.
    func age(at now: ContinuousClock.Instant) -> Duration {
        let since = [waitingSince, writingSince].compactMap { $0 }.min()
        return since.map { now - $0 } ?? .zero
    }

    /// Whether another read of this place can be taken.
    func hasRoom(for place: Place) -> Bool {
        tallies[place] != nil || tallies.count < Self.placeLimit
    }

    mutating func add(_ tally: Tally, _ place: Place, at now: ContinuousClock.Instant) {
        if waitingSince == nil { waitingSince = now }
        if tallies[place]?.add(tally) == nil { tallies[place] = tally }
    }

    /// What is to be written now; followed by `written` or `putBack`.
    mutating func take() -> [Place: Tally] {
        writingSince = [writingSince, waitingSince].compactMap { $0 }.min()
        waitingSince = nil
        defer { tallies = [:] }
        return tallies
    }

    mutating func written() { writingSince = nil }

    /// What could not be written waits as long as it has. It may take more room than new
    /// reads get: it was let in already.
    mutating func putBack(_ tallies: [Place: Tally]) {
        waitingSince = [writingSince, waitingSince].compactMap { $0 }.min()
        writingSince = nil
        for (place, tally) in tallies {
            if self.tallies[place]?.add(tally) == nil { self.tallies[place] = tally }
        }
    }
}
