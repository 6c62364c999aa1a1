import Archive
import Foundation
import LocalTangle
import Postgres
import Synchronization
import Tangle
import Vault

/// What ordinary meters publish, each in its rhythm, and when it was on the node.
final class Traffic: Sendable {
    private struct State {
        var channels: [ChannelNumber] = []
        /// When each meter's messages were there to be found.
        var published: [[Date]]
    }

    let registrations: [ChannelRegistration]
    private let messages: [[[Transaction]]]
    private let interval: TimeInterval
    private let state: Mutex<State>

    private init(
        _ registrations: [ChannelRegistration], _ messages: [[[Transaction]]],
        interval: TimeInterval
    ) {
        self.registrations = registrations
        self.messages = messages
        self.interval = interval
        state = Mutex(State(published: Array(repeating: [], count: messages.count)))
    }

    static func written(meters: Int, each: Int, interval: TimeInterval) async throws -> Traffic {
        let written = try await withThrowingTaskGroup(
            of: (Int, ChannelRegistration, [[Transaction]]).self
        ) { group in
            for number in 0..<meters {
                group.addTask {
                    var meter = try Meter(number)
                    let messages = try (0..<each).map {
                        try meter.message("meter \(number) message \($0)", at: 1_600_000_000)
                    }
                    return (number, meter.registration, messages)
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }.sorted { $0.0 < $1.0 }
        return Traffic(written.map { $0.1 }, written.map { $0.2 }, interval: interval)
    }

    /// The next of the registrations has this number.
    func add(_ channel: ChannelNumber) { state.withLock { $0.channels.append(channel) } }

    /// A message of each meter within each interval, evenly spread, until the task is cancelled.
    func publish(on ledger: Ledger) async throws {
        let start = ContinuousClock.now
        let gap = interval / Double(messages.count)
        var place = 0
        while place < messages.count * messages[0].count {
            let (meter, count) = (place % messages.count, place / messages.count)
            try await Task.sleep(until: start + .seconds(Double(place) * gap), clock: .continuous)
            try ledger.store(messages[meter][count])
            state.withLock { $0.published[meter].append(Date()) }
            place += 1
        }
    }

    /// Seconds from a node to the archive, of what was published between these times.
    ///
    /// - Throws: where one of them was not taken in.
    func delays(from start: Date, to end: Date, _ archive: Archive) async throws -> [Double] {
        let (channels, published) = state.withLock { ($0.channels, $0.published) }
        var taken: [ChannelNumber: [Date]] = [:]
        try await archive.pool.withConnection { connection in
            try await connection.stream(
                """
                select channel, first_seen_at from message where channel = any ($1)
                order by channel, sequence
                """, [.int64Array(channels.map(\.rawValue))]
            ) { rows in
                for row in rows {
                    taken[try row.channelNumber("channel"), default: []].append(
                        try row.timestamp("first_seen_at"))
                }
            }
        }
        var delays: [Double] = []
        for (channel, times) in zip(channels, published) {
            let seen = taken[channel] ?? []
            for (number, time) in times.enumerated() where time >= start && time < end {
                guard number < seen.count else {
                    throw BenchError(
                        "a message was not taken in within \(end.timeIntervalSinceNow) s")
                }
                delays.append(seen[number].timeIntervalSince(time))
            }
        }
        return delays
    }
}
