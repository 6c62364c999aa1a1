import Archive
import ArchiveTestSupport
import Diagnostics
import Foundation
import HTTPServer
import Postgres
import QueryAPI
import TestSupport
import Testing
import Vault

/// An API whose database is a copy that follows another: what was revoked may not be known there.
@Suite struct StandbyTests {
    @Test func whoMayReadIsNotSaidByACopy() async throws {
        try await TestServer.with(settings: ["wal_level = replica", "max_wal_senders = 4"]) {
            server in
            let copy = try server.neighbour("copy")
            try await TestArchive.with(on: server) { test in
                let clock = TestClock()
                let channel = try await test.fill(channel: "meter", clock: clock)
                let tokens = try await [
                    test.archive.createToken(.admin, now: clock.now).text,
                    test.archive.createToken(.reader, channels: [channel], now: clock.now).text,
                ]
                try await server.runProgram(
                    "pg_basebackup",
                    [
                        "--pgdata", copy.data, "--host", server.directory, "--username", "postgres",
                        "--checkpoint", "fast", "--write-recovery-conf", "--no-sync",
                    ])
                try copy.add(["unix_socket_directories = '@'", "hot_standby = on"])
                try await copy.running {
                    let pool = PostgresPool(
                        configuration: try PostgresConfiguration(
                            url: copy.url(of: test.database.name)))
                    let result: Result<Void, any Error>
                    do {
                        let archive = Archive(pool: pool, vault: try Vault(ring: test.keyRing))
                        result = .success(try await refuses(archive, channel, tokens, clock))
                    } catch { result = .failure(error) }
                    await pool.shutdown()
                    try result.get()
                }
            }
        }
    }

    private func refuses(
        _ archive: Archive, _ channel: ChannelNumber, _ tokens: [String], _ clock: TestClock
    ) async throws {
        // It has the data.
        #expect(try await archive.channel(channel).messageCount == 24)
        let api = try QueryAPI(
            archive: archive, metrics: Metrics(), log: .silent, clock: { clock.now })
        let rests = ["", "/messages", "/messages/3/bundle", "/readings"]
        for token in tokens {
            for rest in rests {
                let response = await api.respond(
                    to: try HTTPRequest(
                        method: "GET", target: "/v1/channels/\(channel.text)\(rest)",
                        headers: ["Authorization": "Bearer \(token)"]))
                #expect(response.status == 503, "\(rest)")
            }
        }
    }
}
