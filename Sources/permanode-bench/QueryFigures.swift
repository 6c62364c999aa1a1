import Archive
import Assembly
import Diagnostics
import Foundation
import HTTPServer
import Postgres
import QueryAPI
import Vault

/// Reading a day of a meter through HTTP, decrypted, by one reader.
enum QueryFigures {
    private static let answerLimit = 512 << 20
    private static let pageLimit = 1000

    static func measure(_ filled: FilledArchive) async throws -> [Figure] {
        let channel = filled.channels[0]
        try await LongChannel.grow(channel, in: filled.archive)
        let token = try await filled.archive.createToken(.admin, now: Date()).text
        let api = try QueryAPI(
            archive: filled.archive, metrics: Metrics(), log: Log(minimum: .warning))
        let server = try HTTPServer(configuration: HTTPServerConfiguration()) {
            await api.respond(to: $0)
        }
        let client = LoopbackClient(port: server.port, answerLimit: answerLimit)
        let result: Result<[Figure], any Error>
        do {
            let raw = try await rate { try await readRows(of: channel, filled.archive) }
            let lines = try await rate { try await readLines(of: channel, client, token) }
            let pages = try await rate { try await readPages(of: channel, client, token) }
            let comparison = ("their sealed rows read from PostgreSQL", raw)
            result = .success([
                Figure(
                    "\(LongChannel.messageCount) messages read as NDJSON", lines, "messages/s",
                    comparedWith: comparison),
                Figure(
                    "the same as JSON pages of \(pageLimit)", pages, "messages/s",
                    comparedWith: comparison),
            ])
        } catch {
            result = .failure(error)
        }
        await server.shutdown(grace: .seconds(1))
        return try result.get()
    }

    /// Messages a second.
    /// - Throws: `BenchError` where `read` does not give all of them.
    private static func rate(_ read: () async throws -> Int) async throws -> Double {
        let seconds = try await Timing.seconds(ofLong: {
            let count = try await read()
            guard count == LongChannel.messageCount else {
                throw BenchError("\(count) messages were read")
            }
        })
        return Double(LongChannel.messageCount) / seconds
    }

    private static func readRows(of channel: ChannelNumber, _ archive: Archive) async throws -> Int
    {
        var count = 0
        try await archive.pool.withConnection { connection in
            try await connection.stream(
                """
                select sequence, position, leaf, period, side_key, first_seen_at, attachments,
                    conflict, confirmed, milestone, sealed_head
                from message where channel = $1 order by sequence
                """, [.int64(channel.rawValue)]
            ) { count += $0.count }
        }
        return count
    }

    private static func readLines(
        of channel: ChannelNumber, _ client: LoopbackClient, _ token: String
    ) async throws -> Int {
        try await LineCounter.count(
            "/v1/channels/\(channel.text)/messages", port: client.port, token: token,
            accept: "application/x-ndjson"
        ).lines
    }

    private struct Page: Decodable {
        struct Message: Decodable {}

        let messages: [Message]
        let next: String?
    }

    private static func readPages(
        of channel: ChannelNumber, _ client: LoopbackClient, _ token: String
    ) async throws -> Int {
        var count = 0
        var target = "/v1/channels/\(channel.text)/messages?limit=\(pageLimit)"
        while true {
            let page = try await client.request("GET", target, token: token).json(as: Page.self)
            count += page.messages.count
            guard let next = page.next, !page.messages.isEmpty else { break }
            target = "/v1/channels/\(channel.text)/messages?limit=\(pageLimit)&after=\(next)"
        }
        return count
    }
}
