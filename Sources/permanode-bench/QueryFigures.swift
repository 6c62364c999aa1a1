import Archive
import Assembly
import Diagnostics
import Foundation
import HTTPServer
import Postgres
import QueryAPI
import Vault

/// Reading messages through HTTP, decrypted, by one reader.
enum QueryFigures {
    private static let answerLimit = 64 << 20
    private static let pageLimit = 100

    static func measure(_ filled: FilledArchive) async throws -> [Figure] {
        let token = try await filled.archive.createToken(.admin, now: Date()).text
        let api = try QueryAPI(
            archive: filled.archive, metrics: Metrics(), log: Log(minimum: .warning))
        let server = try HTTPServer(configuration: HTTPServerConfiguration()) {
            await api.respond(to: $0)
        }
        let client = LoopbackClient(port: server.port, answerLimit: answerLimit)
        let result: Result<[Figure], any Error>
        do {
            let raw = try await rate { try await readRows(filled) }
            let lines = try await rate { try await readLines(filled, client, token) }
            let pages = try await rate { try await readPages(filled, client, token) }
            let comparison = ("sealed rows read from PostgreSQL", raw)
            result = .success([
                Figure("read as NDJSON", lines, "messages/s", comparedWith: comparison),
                Figure(
                    "read as JSON pages of \(pageLimit)", pages, "messages/s",
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
            guard count == PublishedChannels.messageCount else {
                throw BenchError("\(count) messages were read")
            }
        })
        return Double(PublishedChannels.messageCount) / seconds
    }

    private static func readRows(_ filled: FilledArchive) async throws -> Int {
        var count = 0
        for channel in filled.channels {
            try await filled.archive.pool.withConnection { connection in
                try await connection.stream(
                    "select * from message where channel = $1 order by sequence",
                    [.int64(channel.rawValue)]
                ) { count += $0.count }
            }
        }
        return count
    }

    private static func readLines(
        _ filled: FilledArchive, _ client: LoopbackClient, _ token: String
    ) async throws -> Int {
        var count = 0
        for channel in filled.channels {
            let answer = try await client.request(
                "GET", "/v1/channels/\(channel.text)/messages", token: token,
                accept: "application/x-ndjson")
            count += answer.body.count { $0 == UInt8(ascii: "\n") }
        }
        return count
    }

    private struct Page: Decodable {
        struct Message: Decodable {}

        let messages: [Message]
        let next: String?
    }

    private static func readPages(
        _ filled: FilledArchive, _ client: LoopbackClient, _ token: String
    ) async throws -> Int {
        var count = 0
        for channel in filled.channels {
            var target = "/v1/channels/\(channel.text)/messages?limit=\(pageLimit)"
            while true {
                let page = try await client.request("GET", target, token: token).json(as: Page.self)
                count += page.messages.count
                guard let next = page.next, page.messages.count == pageLimit else { break }
                target = "/v1/channels/\(channel.text)/messages?limit=\(pageLimit)&after=\(next)"
            }
        }
        return count
    }
}
