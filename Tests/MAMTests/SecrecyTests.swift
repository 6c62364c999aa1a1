import MAM
import Ternary
import TestSupport
import Testing

@Suite struct SecrecyTests {
    private let rootText =
        "KINYPVXLYKZWBIGIPFKIFGKFGBIOBVOFFAEJINJLOZBODMJOIDNVEHRXKNYYVNAGKQPMIWB9VYNIHYUUN"
    private let keyText = "XQPLSECRETKEYTEXT"

    /// Every way in which Swift turns a value into text.
    private func texts(_ value: Any) -> [String] {
        var dumped = ""
        dump(value, to: &dumped)
        var children = ""
        dump(Mirror(reflecting: value).children.map { $0 }, to: &children)
        return [
            String(describing: value), String(reflecting: value), "\(value)", dumped, children,
            String(describing: Optional(value) as Any), String(reflecting: [value]),
        ]
    }

    private func expectNone(of secrets: [Trytes], in value: Any) {
        for text in texts(value) {
            #expect(!text.isEmpty)
            for secret in secrets {
                let start = String(decoding: secret.ascii.prefix(12), as: UTF8.self)
                #expect(!text.contains(start))
                // Nor as an array of trits or of characters.
                let trits = secret.trits.prefix(12).map(String.init)
                let codes = secret.ascii.prefix(12).map(String.init)
                #expect(!text.contains(trits.joined(separator: ", ")))
                #expect(!text.contains(codes.joined(separator: ", ")))
            }
        }
    }

    @Test func rootsAndKeysAreNotPrinted() throws {
        let root = try Root(rootText)
        let sideKey = try SideKey(keyText)
        let seed = try Seed(rootText)
        let secrets = [root.revealTrytes(), sideKey.revealTrytes()]
        let request = ReadRequest(payload: try Trytes("ABC"), root: root, sideKey: sideKey)
        let values: [Any] = [
            root, sideKey, seed, request, [root], ["key": sideKey], (root, sideKey),
            Result<Root, ReadError>.success(root),
        ]
        for value in values { expectNone(of: secrets, in: value) }
    }

    @Test func theGuardOfTheseTestsSeesAPrintedRoot() throws {
        let root = try Root(rootText)
        let found = texts(root.revealHash()).filter { $0.contains(rootText) }
        #expect(!found.isEmpty)
    }

    @Test func writersAndMessagesDoNotPrintTheirSecrets() throws {
        let sideKey = try SideKey(keyText)
        let seed = try Seed(rootText)
        var writer = try ChannelWriter(
            seed: seed, mode: .restricted, sideKey: sideKey, securityLevel: 1)
        let written = try writer.write("told to nobody")
        let request = ReadRequest(payload: written.payload, root: written.root, sideKey: sideKey)
        let message = try #require(MessageReader.read([request], .full).first).get()
        let secrets = [
            seed.revealTrytes(), sideKey.revealTrytes(), written.root.revealTrytes(),
            written.nextRoot.revealTrytes(), writer.root.revealTrytes(),
            MessageText.trytes("told to nobody"),
        ]
        let forger = MessageWriter(
            root: written.root, nextRoot: written.nextRoot, sideKey: sideKey, seed: seed,
            firstLeaf: 0, securityLevel: 1)
        for value in [writer, written, message, forger] as [Any] {
            expectNone(of: secrets, in: value)
        }
        for text in texts(message) { #expect(!text.contains("told to nobody")) }
    }

    @Test func errorsDoNotRepeatWhatTheyWereGiven() {
        let almost = String(rootText.dropLast()) + "a"
        for text in [almost, String(rootText.dropLast()), rootText + "A"] {
            #expect {
                _ = try Root(text)
            } throws: { error in
                texts(error).allSatisfy { !$0.contains(rootText.prefix(12)) }
            }
        }
        #expect(throws: TernaryError.self) { try SideKey("") }
        #expect(throws: TernaryError.self) { try SideKey(String(repeating: "A", count: 82)) }
        #expect(throws: TernaryError.self) { try SideKey("lower") }
    }

    @Test func secretsAreEqualByTheirTrytes() throws {
        let root = try Root(rootText)
        #expect(root == (try Root(packed: root.revealPacked())))
        #expect(root == (try Root(trits: root.revealTrits())))
        #expect(root.revealHash().description == rootText)
        #expect(Set([root, try Root(rootText)]).count == 1)
        #expect(root != (try Root("A" + rootText.dropFirst())))
        #expect(try SideKey("ABC") == SideKey("ABC99"))
        #expect(try SideKey("ABC") != SideKey("ABD"))
        #expect(try SideKey("ABC").revealTrytes().count == 81)
    }
}
