import Archive
import Foundation
import Postgres
import Vault

/// Makes the database and the forget log agree where one of them was restored from an older
/// copy: what either knows to be forgotten is forgotten in both, before anything is served.
///
/// Each channel's keys are gone from the ring by then, so this finishes what a forget did once:
/// nothing is erased that was not asked to be. All of it can be repeated, and by several
/// processes at once.
package struct Reconciliation: Sendable {
    /// Records of the log, channels, tombstones or rows that one transaction is about.
    static let batch = 1_000

    let vault: Vault
    private let clock: @Sendable () -> Date

    package init(vault: Vault, clock: @escaping @Sendable () -> Date = { Date() }) {
        self.vault = vault
        self.clock = clock
    }

    /// - Parameter full: compares everything, whatever both say of how far they agree.
    /// - Throws: `ErasureError.otherRing` where the database belongs to another key ring; what
    ///   the database or the vault says.
    package func run(
        on connection: PostgresConnection, full: Bool = false
    ) async throws -> ReconciliationReport {
        try await claim(connection)
        let state = try await connection.forgetLogState()
        let head = try vault.logHead()
        var report = ReconciliationReport()
        if let known = state.known {
            report.logWasOlder = try vault.logHead(at: known.sequence) != known
        }
        let isFull = full || report.logWasOlder
        if !isFull, state.known == head {
            // The latest record is the database's own: it came over a connection on which
            // everything before was compared.
            if state.applied != head.sequence {
                try await connection.setForgetLog(head, replacing: state)
            }
            return report
        }
        if isFull {
            try await completeRing(on: connection, &report)
            try await completeLog(on: connection, &report)
        }
        let agreed = max(state.applied, state.known?.sequence ?? 0)
        let start = isFull ? nil : try vault.logHead(at: agreed)
        let end = try await applyLog(after: start, on: connection, &report)
        try await connection.setForgetLog(end, replacing: state)
        return report
    }

    /// Binds the database to this ring if it belongs to none yet.
    private func claim(_ connection: PostgresConnection) async throws {
        let own = vault.ringIdentifier
        guard let found = try await connection.ringOfForgetLog() else {
            return try await connection.setRingOfForgetLog(own)
        }
        guard found == own else { throw ErasureError.otherRing(database: found, own: own) }
    }

    // MARK: From the log to the database

    private func applyLog(
        after start: ForgetLogHead?, on connection: PostgresConnection,
        _ report: inout ReconciliationReport
    ) async throws -> ForgetLogHead {
        var head = start
        while true {
            var contents: [ForgetLogRecord.Content] = []
            let next = try vault.readLog(after: head, limit: Self.batch) { record in
                contents.append(record.content)
            }
            guard next.sequence != head?.sequence ?? 0 else { return next }
            try await add(contents, on: connection, &report)
            let forgotten = contents.compactMap { content -> TreePath? in
                if case .punctured(let path) = content { path } else { nil }
            }
            let numbers = forgotten.compactMap(\.channel)
            if !numbers.isEmpty { try await forget(numbers, on: connection, &report) }
            let stretches = forgotten.compactMap(\.periods)
            if !stretches.isEmpty { try await delete(stretches, on: connection, &report) }
            head = next
        }
    }

    private func add(
        _ contents: [ForgetLogRecord.Content], on connection: PostgresConnection,
        _ report: inout ReconciliationReport
    ) async throws {
        let states = contents.compactMap(TombstoneState.init)
        let parts = contents.compactMap { content -> (hash: [UInt8], channel: ChannelNumber)? in
            guard case .partlyForgotten(let hash, let channel) = content else { return nil }
            return (hash, channel)
        }
        guard !states.isEmpty || !parts.isEmpty else { return }
        let now = clock()
        let changed = try await connection.withTransaction { connection in
            // Waits for a forget that has written them to the log and not yet here.
            try await connection.holdTombstones(.exclusive)
            return (
                tombstones: try await connection.raise(states, now: now),
                parts: try await connection.insertPartlyForgotten(parts)
            )
        }
        report.tombstonesAdded += changed.tombstones.buried
        report.tombstonesLifted += changed.tombstones.lifted
        report.partsAdded += changed.parts
    }

    // MARK: From the database to the ring and its log

    private func completeRing(
        on connection: PostgresConnection, _ report: inout ReconciliationReport
    ) async throws {
        var after: Int64 = -1
        while true {
            let numbers = try await connection.forgottenNumbers(after: after, limit: Self.batch)
            guard let last = numbers.last else { break }
            report.keysDestroyed += try numbers.filter { try !vault.isForgotten($0) }.count
            try vault.forgetAndLog(numbers.map(ForgetScope.channel))
            after = last.rawValue
        }
        after = -1
        while true {
            let stretches = try await connection.forgottenPeriods(after: after, limit: Self.batch)
            guard let last = stretches.last else { return }
            let scopes = stretches.flatMap { stretch in
                (stretch.periods.lowerBound.rawValue...stretch.periods.upperBound.rawValue).map {
                    (stretch.channel, Period(rawValue: $0))
                }
            }
            report.keysDestroyed += try scopes.filter { try !vault.isForgotten($0.0, $0.1) }.count
            try vault.forgetAndLog(scopes.map { .period($0.0, $0.1) })
            after = last.request
        }
    }

    private func completeLog(
        on connection: PostgresConnection, _ report: inout ReconciliationReport
    ) async throws {
        let added = try await connection.withTransaction { connection in
            try await connection.holdTombstones(.exclusive)
            try await connection.collectLogged()
            var head: ForgetLogHead?
            while true {
                var contents: [ForgetLogRecord.Content] = []
                let next = try vault.readLog(after: head, limit: Self.batch) { record in
                    contents.append(record.content)
                }
                guard next.sequence != head?.sequence ?? 0 else { break }
                try await connection.addLogged(contents)
                head = next
            }
            return (
                tombstones: try await logTombstones(of: connection),
                lifts: try await logLifts(of: connection),
                parts: try await logParts(of: connection)
            )
        }
        report.tombstonesLogged += added.tombstones
        report.liftsLogged += added.lifts
        report.partsLogged += added.parts
    }

    private func logTombstones(of connection: PostgresConnection) async throws -> Int {
        var (after, count): (Int64, Int) = (-1, 0)
        while true {
            let (states, last) = try await connection.unloggedTombstones(
                after: after, limit: Self.batch)
            guard let last else { return count }
            try vault.log(states.map(\.content))
            count += states.count
            after = last
        }
    }

    private func logLifts(of connection: PostgresConnection) async throws -> Int {
        var (after, count): ([UInt8], Int) = ([], 0)
        while true {
            let states = try await connection.unloggedLifts(after: after, limit: Self.batch)
            guard let last = states.last else { return count }
            try vault.log(states.map(\.content))
            count += states.count
            after = last.hash
        }
    }

    private func logParts(of connection: PostgresConnection) async throws -> Int {
        var after: (hash: [UInt8], channel: Int64) = ([], -1)
        var count = 0
        while true {
            let parts = try await connection.unloggedParts(after: after, limit: Self.batch)
            guard let last = parts.last else { return count }
            try vault.log(parts.map { .partlyForgotten($0.hash, of: $0.channel) })
            count += parts.count
            after = (last.hash, last.channel.rawValue)
        }
    }
}

extension TreePath {
    /// The channel's or subject's number whose keys all lie beneath this node.
    fileprivate var channel: ChannelNumber? {
        guard depth == ChannelNumber.bitCount else { return nil }
        return ChannelNumber(rawValue: Int64(bits >> UInt64(Period.bitCount)))
    }

    /// The stretch of a channel's periods beneath this node.
    fileprivate var periods: ForgottenPeriods? {
        guard depth > ChannelNumber.bitCount else { return nil }
        let first = Int32(bits & 0xffff)
        return ForgottenPeriods(
            channel: Int64(bits >> UInt64(Period.bitCount)), first: first,
            last: first + Int32(1 << (TreePath.leafDepth - depth)) - 1)
    }
}

/// Periods of a channel, the last one included.
struct ForgottenPeriods {
    let channel: Int64
    let first: Int32
    let last: Int32
}
