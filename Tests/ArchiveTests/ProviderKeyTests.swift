import Archive
import ArchiveTestSupport
import Foundation
import MAM
import NTRU
import Ternary
import TestSupport
import Testing
import Vault

/// The archive as a service provider: its key pairs, and what owners tell it.
@Suite struct ProviderKeyTests {
    private static let now = Date(timeIntervalSince1970: 1_800_000_000)

    @Test func aKeyPairIsKeptSealedAndOpensAgain() async throws {
        try await TestArchive.with { test in
            let provider = try TestProvider("P")
            let made = try await test.add(provider, now: Self.now)
            #expect(made.key.publicKey == provider.key.publicKey)
            let new = try await test.archive.addProviderKey(
                address: provider.address, now: Self.now.addingTimeInterval(1))
            #expect(new.key.publicKey != made.key.publicKey)
            let kept = try await test.archive.providerKeys()
            #expect(kept.map(\.address) == [provider.address, provider.address])
            #expect(kept.map(\.key.publicKey) == [new.key.publicKey, made.key.publicKey])
            let opened = try kept[1].key.decrypt(Trytes(provider.encrypt("ABC")), .sodium)
            #expect(opened.plaintext == Array("ABC".utf8))
        }
    }

    @Test func aKeyPairIsKeptOnceAndTheirNumberIsBounded() async throws {
        try await TestArchive.with { test in
            let provider = try TestProvider("P")
            try await test.add(provider, now: Self.now)
            await #expect(throws: ArchiveError.providerKeyExists) {
                try await test.add(provider, now: Self.now)
            }
            for _ in 1..<Archive.providerKeyLimit {
                _ = try await test.archive.addProviderKey(address: provider.address, now: Self.now)
            }
            await #expect(
                throws: ArchiveError.tooManyProviderKeys(limit: Archive.providerKeyLimit)
            ) { try await test.archive.addProviderKey(address: provider.address, now: Self.now) }
        }
    }

    @Test func anAddressThatIsNotGivenIsTheSeedsFirst() async throws {
        try await TestArchive.with { test in
            let seed = String(repeating: "9", count: 81)
            let made = try await test.archive.addProviderKey(seed: Seed(seed), now: Self.now)
            #expect(made.address.description.hasPrefix("GPB9PBNCJTPGFZ9CCAOPCZBFMBSMM"))
            let new = try await test.archive.addProviderKey(now: Self.now)
            #expect(new.address != made.address)
        }
    }

    @Test func aSwappedOrChangedKeyIsDamaged() async throws {
        try await TestArchive.with { test in
            _ = try await test.add(try TestProvider("P"), now: Self.now)
            _ = try await test.add(try TestProvider("Q"), now: Self.now)
            try await test.execute(
                """
                update provider_key p set sealed_key = q.sealed_key from provider_key q
                where p.number <> q.number
                """)
            await #expect {
                try await test.archive.providerKeys()
            } throws: { error in
                (error as? ArchiveError)?.code == "archive.damaged"
            }
        }
    }

    @Test func aRotationIsReadAmongOtherEntries() throws {
        let provider = try TestProvider("P")
        let other = try TestProvider("Q")
        let json = try provider.rotation(to: "THENEXTKEY")
        let key = try SideKey("THENEXTKEY")
        func read(_ json: String, _ providers: [TestProvider]) -> SideKey? {
            KeyRotation.sideKey(in: Array(json.utf8), for: providers.map(\.record))
        }
        #expect(read(json, [provider]) == key)
        #expect(read(json, [other, provider]) == key)
        #expect(read(json, [other]) == nil)
        #expect(read(json, []) == nil)
        // Another key pair under the same address, as after the provider's own rotation.
        let older = try TestProvider(
            seed: String(repeating: "O", count: 81), address: provider.address)
        #expect(read(json, [older, provider]) == key)
        #expect(read(json, [older]) == nil)
        // Entries that are none of ours may be anything.
        let odd = json.dropLast() + #","__proto__":{},"n":-1e999,"l":[[],{}],"s":"\u0000é"}"#
        #expect(read(String(odd), [provider]) == key)
    }

    @Test func whatIsNoRotationAnnouncesNothing() throws {
        let provider = try TestProvider("P")
        let hostile = try HostileRotation.all(provider, sideKey: "THENEXTKEY")
        #expect(hostile.count > 20)
        for (why, json) in hostile {
            #expect(
                KeyRotation.sideKey(in: Array(json.utf8), for: [provider.record]) == nil, "\(why)")
        }
    }

    @Test func aHandOverIsOpened() throws {
        let provider = try TestProvider("P")
        let others = [try TestProvider("Q").record, provider.record]
        let root = String(repeating: "R", count: 81)
        func json(root: String, key: String) -> [UInt8] {
            Array(
                #"{"type":"MAM_DATA","root":"ANY","mamData":{"root":"\#(root)","sideKey":"\#(key)"}}"#
                    .utf8)
        }
        let opened = try HandOver(
            json(root: provider.encrypt(root), key: provider.encrypt("SOMEKEY")), for: others)
        #expect(opened.root == (try Root(root)))
        #expect(opened.sideKey == (try SideKey("SOMEKEY")))

        let foreign = try TestProvider("Z")
        for (root, key) in [
            (try foreign.encrypt(root), try foreign.encrypt("SOMEKEY")),
            (try provider.encrypt(root), try foreign.encrypt("SOMEKEY")), (root, "SOMEKEY"),
            ("", ""), (try provider.encrypt(root) + "99", try provider.encrypt("SOMEKEY")),
        ] {
            #expect(throws: ArchiveError.handOverForOthers) {
                try HandOver(json(root: root, key: key), for: others)
            }
        }
        for json in [
            json(root: try provider.encrypt("SHORT"), key: try provider.encrypt("SOMEKEY")),
            json(root: try provider.encrypt(root), key: try provider.encrypt("no key")), [],
            Array(#"{"root":"ANY"}"#.utf8), Array(#"{"mamData":{"root":1,"sideKey":2}}"#.utf8),
            Array(#"{"mamData":"x"}"#.utf8),
            Array(#"{"__proto__":{"mamData":{"root":"","sideKey":""}}}"#.utf8),
        ] {
            #expect(throws: ArchiveError.self) { try HandOver(json, for: others) }
        }
    }

    @Test func keysAreTriedInTheLikelyOrder() throws {
        let key = try SideKey("K")
        func numbered(_ number: Int16, _ first: Int64?) -> NumberedSideKey {
            NumberedSideKey(number: number, key: key, firstPosition: first)
        }
        let keys = [
            numbered(0, 0), numbered(1, 10), numbered(2, 20), numbered(3, nil), numbered(4, nil),
            numbered(5, -8),
        ]
        func order(_ position: Int64) -> [Int16] {
            NumberedSideKey.likely(keys, at: position).map(\.number)
        }
        #expect(order(25) == [2, 4, 3, 1, 0, 5])
        #expect(order(20) == [2, 4, 3, 1, 0, 5])
        #expect(order(19) == [1, 4, 3, 2, 0, 5])
        #expect(order(3) == [0, 4, 3, 1, 5, 2])
        #expect(order(-3) == [5, 4, 3, 0, 1, 2])
        #expect(order(-20) == [4, 3, 5, 0, 1, 2])
        #expect(NumberedSideKey.likely([], at: 0).isEmpty)
    }
}
