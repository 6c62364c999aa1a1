import Archive
import Foundation
import HTTPServer
import Metering
import Synchronization
import Vault

/// What meters tell, read out of messages on demand. Nothing of it is stored.
struct ReadingRoutes: Sendable {
    /// Messages that an answer holds at once: some megabytes.
    private static let batch = Archive.messageBatchLimit

    let archive: Archive
    let watch: ChannelWatch
    let clock: @Sendable () -> Date
    private let places: ReadingPlaces

    init(archive: Archive, watch: ChannelWatch, clock: @escaping @Sendable () -> Date) {
        self.archive = archive
        self.watch = watch
        self.clock = clock
        places = ReadingPlaces()
    }

    var routes: [Route] {
        [Route("GET", "/v1/channels/{id}/readings", .reader, readings)]
    }

    /// The first batch is read before the status goes out, so that what is wrong is told as a
    /// problem; what goes wrong later cuts the stream.
    @Sendable func readings(_ call: Call) async throws -> HTTPResponse {
        let channel = try call.channel()
        let format = try ReadingsFormat(call.request)
        let query = try ReadingsQuery(call.request)
        guard format.tells(query.grid.resolution) else {
            throw RequestError.parameter(
                "resolution", wanted: "15m, 1h or 1d, which alone Green Button has")
        }
        let record = try await archive.readable(channel, within: call.scope)
        guard let caller = call.caller else {
            throw RequestError.unauthenticated(tokenGiven: false)
        }
        let place = try places.take(caller.token)
        let batches = MessageBatches(
            archive: archive, channel: record, query: MessageQuery(query.messages),
            caller: caller, batch: Self.batch
        ) { try await $0.readings(of: $1) }
        var start = batches
        let first = try await start.next()
        let writer = ReadingsWriter(
            ReadingsHead(channel: channel, grid: query.grid, time: clock()), format)
        return HTTPResponse(
            status: 200, headers: ["Content-Type": format.rawValue],
            body: .stream { [start, watch] stream in
                // Also while a slow reader keeps a batch waiting.
                try await watch.during(
                    channel, since: record.readersEpoch, by: .init(caller, of: channel)
                ) {
                    defer { withExtendedLifetime(place) {} }
                    var rest = start
                    var batch = first
                    try await writer.write {
                        if let known = batch {
                            batch = nil
                            return known
                        }
                        return try await rest.next()
                    } to: {
                        try await stream.write($0)
                    }
                }
            })
    }
}

/// How many answers of readings are worked on at once: each may hold some tens of megabytes and
/// keep all processors busy for a while.
final class ReadingPlaces: Sendable {
    private static let perToken = 4
    private static let together = 16
    private static let retryAfterSeconds = 5

    /// One of them, given back when nobody holds it any more.
    final class Place: Sendable {
        private let places: ReadingPlaces
        private let token: ChannelNumber

        fileprivate init(_ places: ReadingPlaces, _ token: ChannelNumber) {
            self.places = places
            self.token = token
        }

        deinit { places.give(back: token) }
    }

    private let taken = Mutex<[ChannelNumber: Int]>([:])

    /// - Throws: `RequestError.tooOften`.
    func take(_ token: ChannelNumber) throws(RequestError) -> Place {
        let isFree = taken.withLock { taken in
            let own = taken[token] ?? 0
            let all = taken.values.reduce(0, +)
            guard own < Self.perToken, all < Self.together else { return false }
            taken[token] = own + 1
            return true
        }
        guard isFree else { throw .tooOften(seconds: Self.retryAfterSeconds) }
        return Place(self, token)
    }

    private func give(back token: ChannelNumber) {
        taken.withLock { taken in
            let left = (taken[token] ?? 1) - 1
            taken[token] = left > 0 ? left : nil
        }
    }
}
