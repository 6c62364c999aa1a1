import Archive
import Foundation
import HTTPServer
import Metering
import Vault

/// What meters tell, read out of messages on demand. Nothing of it is stored.
struct ReadingRoutes: Sendable {
    let archive: Archive
    let watch: ChannelWatch
    let clock: @Sendable () -> Date
    private let places: Places

    /// Each may hold some tens of megabytes and keep all processors busy for a while.
    private static let placesPerToken = 4
    private static let placesTogether = 16

    init(archive: Archive, watch: ChannelWatch, clock: @escaping @Sendable () -> Date) {
        self.archive = archive
        self.watch = watch
        self.clock = clock
        places = Places(perToken: Self.placesPerToken, together: Self.placesTogether)
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
        let source = archive.messageSource()
        var start = ChannelReadings(
            archive: archive, channel: record, query: query, caller: caller, from: source)
        let first = try await start.next()
        let writer = ReadingsWriter(
            ReadingsHead(channel: channel, grid: query.grid, time: clock()), format)
        var headers: HTTPHeaders = ["Content-Type": format.rawValue, "Vary": "Accept"]
        headers.tell(source)
        return HTTPResponse(
            status: 200, headers: headers,
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
