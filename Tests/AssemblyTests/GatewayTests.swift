import Archive
import ArchiveTestSupport
import Assembly
import Diagnostics
import Foundation
import HTTPServer
import NodeClient
import QueryAPI
import Synchronization
import Tangle
import Ternary
import TestSupport
import Testing
import Vault

/// A gateway between clients without tokens and an archive that asks for one.
@Suite struct GatewayTests {
    private static let loopback = ListenAddress("127.0.0.1:0")

    @Test func aClientWithoutATokenReadsThroughItWhatTheTokenMayRead() async throws {
        try await TestArchive.with { test in
            let vector = try ChannelVector.named("private")
            let channel = try await test.fill(channel: "private")
            let other = try await test.fill(channel: "events")
            for channel in [channel, other] {
                try await test.archive.setNodeInterface(.token, of: channel)
            }
            while try await test.archive.workOnNodeLookups() {}
            let token = try await test.archive.createToken(
                .reader, channels: [channel], now: Date()
            ).text
            let api = try QueryAPI(
                archive: test.archive, metrics: Metrics(), log: .silent,
                node: NodeInterfaceSettings())
            let archive = try HTTPServer(
                configuration: HTTPServerConfiguration(address: "127.0.0.1", port: 0)
            ) { await api.respond(to: $0) }
            let url = "http://127.0.0.1:\(archive.port)"
            let gateway = try Gateway(
                archive: url, token: token + "\n", listen: try #require(Self.loopback))
            let direct = NodeClient(endpoint: try NodeEndpoint(url))
            let through = NodeClient(endpoint: try NodeEndpoint(gateway.url))
            for message in vector.messages {
                #expect(
                    try await direct.findTransactions(addresses: [message.address]).hashes.isEmpty)
                let found = try await through.findTransactions(addresses: [message.address]).hashes
                #expect(Set(found) == Set(message.transactions))
                #expect(try await through.transactions(found).found.count == found.count)
            }
            // Nothing but what the token may read, and nothing else of the archive.
            let hidden = try #require(ChannelVector.named("events").messages.first)
            #expect(
                try await through.findTransactions(addresses: [hidden.address]).hashes.isEmpty)
            #expect(try await status(gateway, "/v1/channels") == 404)
            #expect(try await status(gateway, "/v1/channels", method: "POST") == 404)
            #expect(try await status(gateway, "/metrics") == 404)
            #expect(try await status(gateway, "/api/v1/info") == 200)
            #expect(try await status(gateway, "/api/v1/messages?index=00") == 200)
            #expect(try await status(gateway, "/api/v1/messages?index=../..") == 404)
            #expect(try await status(gateway, "/api/v1/messages/%2e%2e%2f") == 404)
            #expect(try await status(gateway, "/", method: "DELETE") == 405)
            #expect(try await status(gateway, "/", method: "OPTIONS") == 200)
            // Without the version the archive itself says so.
            #expect(try await status(gateway, "/", method: "POST") == 400)
            await archive.shutdown(grace: .zero)
            #expect(try await status(gateway, "/api/v1/info") == 503)
            await gateway.shutdown(grace: .zero)
        }
    }

    @Test func pagesOfOtherOriginsAndOtherHostsAreRefused() async throws {
        let archive = try HTTPServer(
            configuration: HTTPServerConfiguration(address: "127.0.0.1", port: 0)
        ) { _ in .text("{}", contentType: "application/json") }
        let gateway = try Gateway(
            archive: "http://localhost:\(archive.port)/", token: "pmn_x_y",
            listen: try #require(Self.loopback), origins: ["http://localhost:3000"])
        let info = "/api/v1/info"
        #expect(try await status(gateway, info) == 200)
        #expect(try await status(gateway, info, headers: ["Origin": "https://evil.example"]) == 403)
        #expect(try await status(gateway, info, headers: ["Origin": "null"]) == 403)
        #expect(
            try await status(gateway, info, headers: ["Origin": "http://localhost:3000"]) == 200)
        for host in ["evil.example", "127.0.0.1.evil.example", "127.1.evil.example:80", ""] {
            #expect(try await status(gateway, info, headers: ["Host": host]) != 200, "\(host)")
        }
        for host in ["localhost:80", "[::1]:80", "127.9.8.7"] {
            #expect(try await status(gateway, info, headers: ["Host": host]) == 200, "\(host)")
        }
        await gateway.shutdown(grace: .zero)
        await archive.shutdown(grace: .zero)
    }

    @Test func itListensOnLoopbackOnlyAndSendsTheTokenNowhereUnprotected() throws {
        func make(_ archive: String, _ token: String = "t", _ listen: String = "127.0.0.1:0") throws
        {
            _ = try Gateway(
                archive: archive, token: token, listen: try #require(ListenAddress(listen)))
        }
        let fine = "https://archive.example"
        for listen in ["0.0.0.0:0", "192.0.2.1:0", "[::]:0"] {
            #expect(throws: Gateway.Refusal.notLoopback) { try make(fine, "t", listen) }
        }
        #expect(throws: Gateway.Refusal.plainHTTP) { try make("http://archive.example") }
        for token in ["", "\n", "a\nb: c", "ä", String(repeating: "x", count: 257)] {
            #expect(throws: Gateway.Refusal.malformedToken) { try make(fine, token) }
        }
        for url in ["https://a.example/?x=1", "ftp://a.example", "nonsense://", fine + "#x"] {
            #expect(throws: Gateway.Refusal.self) { try make(url) }
        }
    }

    /// What an archive answers is passed on as it is, within bounds.
    @Test func statusesAndWaitsArePassedOn() async throws {
        let seen = Mutex<[HTTPRequest]>([])
        let archive = try HTTPServer(
            configuration: HTTPServerConfiguration(address: "127.0.0.1", port: 0)
        ) { request in
            seen.withLock { $0.append(request) }
            return HTTPResponse(
                status: 429, headers: ["Retry-After": "7"],
                body: .bytes(Array(#"{"error":"x","duration":0}"#.utf8)))
        }
        let gateway = try Gateway(
            archive: "http://127.0.0.1:\(archive.port)/base", token: "pmn_x_y",
            listen: try #require(Self.loopback))
        let response = try await send(
            gateway, "/api", method: "POST",
            headers: ["X-IOTA-API-Version": "x", "X-Other": "1", "Authorization": "Basic x"])
        #expect(response.status == 429)
        #expect(response.headers["Retry-After"] == "7")
        #expect(try await response.collectedBody() == Array(#"{"error":"x","duration":0}"#.utf8))
        let request = try #require(seen.withLock { $0.first })
        #expect(request.path == "/base/api")
        #expect(request.headers.values("Authorization") == ["Bearer pmn_x_y"])
        #expect(request.headers["X-IOTA-API-Version"] == "1")
        #expect(request.headers["X-Other"] == nil)
        await gateway.shutdown(grace: .zero)
        await archive.shutdown(grace: .zero)
    }

    private func send(
        _ gateway: Gateway, _ target: String, method: String = "GET", headers: HTTPHeaders = [:]
    ) async throws -> HTTPResponse {
        var all: HTTPHeaders = ["Host": "127.0.0.1:14265"]
        for field in headers { all[field.name] = field.value }
        return await gateway.respond(
            to: try HTTPRequest(
                method: method, target: target, headers: all, body: Array("{}".utf8)))
    }

    private func status(
        _ gateway: Gateway, _ target: String, method: String = "GET", headers: HTTPHeaders = [:]
    ) async throws -> Int {
        try await send(gateway, target, method: method, headers: headers).status
    }
}
