import Archive
import ArchiveTestSupport
import Foundation
import LocalTangle
import MAM
import NTRU
import Ternary
import TestSupport
import Testing

/// `provider-key`, and channels whose keys rotate, by command.
@Suite struct ProviderKeyCommandTests {
    private struct Key: Decodable { let iotaAddress: String, publicKeyTrytes: String }
    private struct Epoch: Decodable { let number: Int, from: Int? }

    @Test func aRotationIsFollowedFromTheNodeToTheReaderWithoutAHand() async throws {
        try await Workplace.withArchive { place in
            let node = try await place.startNode()
            let vector = try ChannelVector.named("rotating-ntru")
            let provider = try #require(vector.provider)
            place.keepSecret(provider.seed)
            #expect(try await place.run("provider-key", "show").status == 3)
            let made = try await place.run(
                "provider-key", "create", "--address", provider.iotaAddress.description,
                "--seed-file", "-", "--json", input: provider.seed + "\n")
            #expect(made.status == 0, "\(made.errors)")
            let key = try #require(try made.json([Key].self).first)
            let expected = try TestProvider(seed: provider.seed, address: provider.iotaAddress)
            #expect(key.iotaAddress == provider.iotaAddress.description)
            #expect(key.publicKeyTrytes == expected.key.publicKey.trytes.description)
            let shown = try await place.run("provider-key", "show")
            #expect(shown.output.contains(key.publicKeyTrytes))
            #expect(shown.output.contains(key.iotaAddress))

            let id = try await place.add(vector, keyCount: 1)
            let crawled = try await place.run("crawl", "--until-idle")
            #expect(crawled.status == 0, "\(crawled.errors)")
            #expect(try await place.run("messages", id).lines.count == 6)
            let epochs = try await place.run("key", "list", "--channel", id, "--json")
            #expect(try epochs.json([Epoch].self).map(\.from) == [0, 3])
            #expect(try await place.run("key", "list", "--channel", id).lines.count == 3)
            #expect(try await place.run("verify").status == 0)

            struct Answer: Decodable {
                struct Receipt: Decodable { let rows: [String: Int], remaining: Int }
                let receipt: Receipt
            }
            let forgotten = try await place.run("forget", "--channel", id, "--yes", "--json")
            #expect(forgotten.status == 0, "\(forgotten.errors)")
            let receipt = try forgotten.json(Answer.self).receipt
            #expect(receipt.rows["side_key"] == 2)
            #expect(receipt.remaining == 0)
            // The provider's key is nobody's data, and stays.
            #expect(try await place.run("provider-key", "show").status == 0)
            node.signal(SIGTERM)
            #expect(try await node.waitForEnd() == 0)
        }
    }

    @Test func aKeyThatIsMadeLaterFreesWhatWaits() async throws {
        try await Workplace.withArchive { place in
            let node = try await place.startNode()
            let vector = try ChannelVector.named("rotating-ntru")
            let provider = try #require(vector.provider)
            place.keepSecret(provider.seed)
            let id = try await place.add(vector, keyCount: 1)
            #expect(try await place.run("crawl", "--until-idle").status == 0)
            #expect(try await place.run("channel", "show", id).output.contains("waiting-for-key"))
            let made = try await place.run(
                "provider-key", "create", "--address", provider.iotaAddress.description,
                "--seed-file", try place.file("seed", provider.seed))
            #expect(made.status == 0, "\(made.errors)")
            #expect(try await place.run("crawl", "--until-idle").status == 0)
            #expect(try await place.run("messages", id).lines.count == 6)
            node.signal(SIGTERM)
            #expect(try await node.waitForEnd() == 0)
        }
    }

    @Test func aHandOverIsRegistered() async throws {
        try await Workplace.withArchive { place in
            let node = try await place.startNode()
            let vector = try ChannelVector.named("rotating-ntru")
            let seed = try #require(vector.provider).seed
            let provider = try TestProvider(
                seed: seed, address: try #require(vector.provider).iotaAddress)
            let first = vector.messages[0]
            for secret in [seed, first.root, first.nextRoot] { place.keepSecret(secret) }
            let (root, key) = (
                try provider.encrypt(first.root), try provider.encrypt(first.sideKey ?? "")
            )
            let json = #"{"root":"X","mamData":{"root":"\#(root)","sideKey":"\#(key)"}}"#
            let early = try await place.run("channel", "add", "--mam-data", "-", input: json)
            #expect(early.status == 4)
            let made = try await place.run(
                "provider-key", "create", "--address", provider.address.description,
                "--seed-file", "-", input: seed)
            #expect(made.status == 0)
            let file = try place.file("mam-data.json", json + "\n")
            let added = try await place.run(
                "channel", "add", "--mam-data", file, "--subject", "s-9")
            #expect(added.status == 0, "\(added.errors)")
            let id = try #require(added.lines.last)
            #expect(try await place.run("channel", "add", "--mam-data", file).status == 4)
            #expect(try await place.run("crawl", "--until-idle").status == 0)
            #expect(try await place.run("messages", id).lines.count == 6)
            #expect(try await place.run("channel", "show", id).output.contains("s-9"))
            node.signal(SIGTERM)
            #expect(try await node.waitForEnd() == 0)
        }
    }

    @Test func whatLiesBeforeTheRegisteredRootIsFilledIn() async throws {
        try await Workplace.withArchive { place in
            let node = try await place.startNode()
            let vector = try ChannelVector.named("private")
            for message in vector.messages { place.keepSecret(message.root) }
            let added = try await place.run(
                "channel", "add", "--mode", "private", "--root-file", "-",
                input: vector.messages[3].root)
            let id = try #require(added.lines.last)
            let extended = try await place.run(
                "channel", "extend", id, "--earlier-root-file", "-", input: vector.messages[0].root)
            #expect(extended.status == 0, "\(extended.errors)")
            #expect(
                try await place.run("channel", "show", id).output.contains(
                    "looking for -1000000000"))
            #expect(try await place.run("crawl", "--until-idle").status == 0)
            let shown = try await place.run("channel", "show", id)
            #expect(shown.output.contains("from -1000000000: arrived"))
            struct Line: Decodable { let position: Int, text: String }
            let lines = try await place.run("messages", id, "--format", "ndjson").lines.map {
                try JSONDecoder().decode(Line.self, from: Data($0.utf8))
            }
            let ordered = lines.sorted { $0.position < $1.position }
            #expect(ordered.map(\.text) == vector.messages.map(\.text))
            #expect(
                ordered.map(\.position).prefix(4)
                    == [-1_000_000_000, -999_999_999, -999_999_998, 0])
            #expect(try await place.run("verify").status == 0)
            let again = try await place.run(
                "channel", "extend", id, "--earlier-root-file", "-", input: vector.messages[0].root)
            #expect(again.status == 4)
            node.signal(SIGTERM)
            #expect(try await node.waitForEnd() == 0)
        }
    }

    @Test(
        arguments: [
            (["provider-key", "create", "--seed-file", "/nowhere/seed"], "", 3),
            (["provider-key", "create", "--address", "SHORT"], "", 2),
            (
                [
                    "provider-key", "create", "--address", String(repeating: "A", count: 81),
                    "--seed-file", "-",
                ], "SHORT", 2
            ),
            (["channel", "add", "--mam-data", "-"], "not JSON", 2),
            (["channel", "add", "--mam-data", "-"], "{}", 2),
            (["channel", "add", "--mam-data", "-", "--mode", "public"], "{}", 2),
            (["channel", "add", "--mam-data", "-", "--root-file", "x"], "{}", 2),
            (["channel", "add", "--mam-data", "/nowhere/file"], "", 3),
            (["channel", "add", "--mam-data", "-"], String(repeating: "[", count: 300_000), 2),
            (["key", "list", "--channel", "0000000000"], "", 3),
            (["channel", "extend"], "", 2), (["channel", "extend", "0000000000"], "", 2),
            (
                ["channel", "extend", "0000000000", "--earlier-root-file", "-"],
                String(repeating: "E", count: 81), 3
            ),
        ] as [([String], String, Int32)])
    func wrongUseIsTold(_ arguments: [String], _ input: String, _ status: Int32) async throws {
        try await Workplace.withArchive { place in
            let result = try await Program(environment: place.environment).run(
                arguments, input: input)
            #expect(result.status == status, "\(result.errors)")
            #expect(result.output.isEmpty)
            #expect(result.errors.split(separator: "\n").count == 1)
        }
    }
}
