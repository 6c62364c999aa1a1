import Archive
import ArchiveTestSupport
import Foundation
import MAM
import Secrets
import TestSupport
import Testing
import Vault

/// Who bears a token, and who only says so.
@Suite struct TokenTests {
    private static let now = Date(timeIntervalSince1970: 1_800_000_000)

    @Test func aTokenIsKnownByItsSecretAlone() async throws {
        try await TestArchive.with { test in
            let channel = try await test.register(
                Root(String(repeating: "V", count: 81)), now: Self.now)
            let admin = try await test.archive.createToken(
                .admin, channels: [channel], now: Self.now)
            let reader = try await test.archive.createToken(
                .reader, channels: [channel, channel], now: Self.now)
            let known = [
                try await test.archive.authenticate(admin.text),
                try await test.archive.authenticate(reader.text),
            ]
            #expect(known.map { $0?.token } == [admin.record.id, reader.record.id])
            #expect(known.map { $0?.role } == [.admin, .reader])
            #expect(known[0]?.scope == .all)
            guard case .granted(let grants)? = known[1]?.scope else {
                Issue.record("a reader reads by grants")
                return
            }
            #expect(grants.mapValues { $0.map(\.window) } == [channel: [.unlimited]])
            // Another's secret under one's own id, and the other way round.
            let swapped =
                String(admin.text.prefix(15)) + String(reader.text.dropFirst(15))
            #expect(swapped.count == admin.text.count)
            #expect(try await test.archive.authenticate(swapped) == nil)
            #expect(try await test.archive.authenticate(admin.text) != nil)
        }
    }

    @Test func wrongTokensAreNobodys() async throws {
        try await TestArchive.with { test in
            let token = try await test.archive.createToken(.admin, now: Self.now).text
            let characters = Array(token)
            var wrong = [
                "", "pmn_", "pmn__", token + "A", String(token.dropLast()),
                String(token.dropFirst()), token.uppercased(), " " + token, token + "\n",
                token + "=", String(repeating: "pmn_", count: 100_000),
                "pmn_" + String(repeating: "0", count: 10) + "_"
                    + Base64URL.encode([UInt8](repeating: 0, count: 32)),
                "pmn_" + ChannelNumber.random().text + "_" + Base64URL.encode(randomBytes(32)),
                "pmn_" + ChannelNumber.random().text + "_" + Base64URL.encode(randomBytes(31)),
                "pmn_\u{0}", "pmn_é_é", "Bearer \(token)",
            ]
            for place in characters.indices {
                var changed = characters
                changed[place] = changed[place] == "b" ? "c" : "b"
                wrong.append(String(changed))
            }
            for text in wrong {
                #expect(try await test.archive.authenticate(text) == nil)
            }
            #expect(try await test.archive.authenticate(token) != nil)
        }
    }

    @Test func aRevokedTokenIsNobodysForGood() async throws {
        try await TestArchive.with { test in
            let token = try await test.archive.createToken(.admin, now: Self.now)
            try await test.archive.revokeToken(token.record.id, now: Self.now)
            try await test.archive.revokeToken(
                token.record.id, now: Self.now.addingTimeInterval(60))
            #expect(try await test.archive.authenticate(token.text) == nil)
            #expect(try await test.archive.tokens().map(\.revokedAt) == [Self.now])
            await #expect(throws: ArchiveError.noSuchToken) {
                try await test.archive.revokeToken(.random(), now: Self.now)
            }
        }
    }

    @Test func allTokensHaveOneShapeAndNoneIsStored() async throws {
        try await TestArchive.with { test in
            var texts: [String] = []
            for number in 0..<20 {
                texts.append(
                    try await test.archive.createToken(
                        number % 2 == 0 ? .admin : .reader, now: Self.now
                    ).text)
            }
            #expect(Set(texts).count == 20)
            #expect(
                texts.allSatisfy {
                    $0.wholeMatch(of: /pmn_[0-9a-hjkmnp-tv-z]{10}_[A-Za-z0-9_-]{43}/) != nil
                })
            let stored = try await test.snapshot().joined()
            for text in texts {
                let secret = try Base64URL.decode(String(text.dropFirst(15)))
                #expect(!stored.contains(Hex.encode(secret)))
                #expect(!stored.contains(text.dropFirst(15)))
            }
        }
    }

    @Test func aTokenForAChannelThatIsNotThereIsNotMade() async throws {
        try await TestArchive.with { test in
            let unknown = ChannelNumber.random()
            await #expect(throws: ArchiveError.noSuchChannel(unknown)) {
                try await test.archive.createToken(.reader, channels: [unknown], now: Self.now)
            }
            let rows = try await test.rowCount(of: "token")
            #expect(rows == 0)
        }
    }
}
