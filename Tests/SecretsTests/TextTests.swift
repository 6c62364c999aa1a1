import Foundation
import Secrets
import Testing

@Suite struct TextTests {
    @Test func hexAndBase64URLComeBack() throws {
        for count in 0...70 {
            let bytes = randomBytes(count)
            #expect(try Hex.decode(Hex.encode(bytes)) == bytes)
            #expect(try Base64URL.decode(Base64URL.encode(bytes)) == bytes)
        }
        #expect(Hex.encode([0x00, 0xAB, 0xFF]) == "00abff")
        #expect(try Hex.decode("ABab") == [0xAB, 0xAB])
        // RFC 4648, section 10, without the padding.
        #expect(Base64URL.encode(Array("foob".utf8)) == "Zm9vYg")
        #expect(Base64URL.encode([0xFB, 0xFF]) == "-_8")
    }

    @Test(arguments: ["a", "0g", "0x", " 00", "00 ", "é"])
    func hexRefuses(_ text: String) {
        #expect(throws: SecretsError.notEncoded(as: "hex")) { try Hex.decode(text) }
    }

    @Test(arguments: ["A", "Zm9vYg==", "Zm9vYh", "+/8", "Zm9 vYg", "Zm9vYg\n", "é", "AAAAA"])
    func base64URLRefuses(_ text: String) {
        #expect(throws: SecretsError.notEncoded(as: "base64url")) { try Base64URL.decode(text) }
    }
}

@Suite struct SecretInputTests {
    private func withFile(_ content: [UInt8], _ body: (String) throws -> Void) throws {
        let url = FileManager.default.temporaryDirectory
            .appendingPathComponent("secret-input-\(UUID().uuidString)")
        try Data(content).write(to: url)
        defer { try? FileManager.default.removeItem(at: url) }
        try body(url.path)
    }

    @Test(arguments: [
        ("secret", "secret"), ("secret\n", "secret"), ("secret\r\n", "secret"),
        ("secret\n\n", "secret\n"), (" secret ", " secret "), ("secret\r", "secret\r"),
    ])
    func readsAFileWithoutItsLastNewline(_ content: String, _ expected: String) throws {
        try withFile(Array(content.utf8)) { path in
            let secret = try SecretInput.read(from: path)
            #expect(secret == SecretBytes(copying: expected))
        }
    }

    @Test func takesUpToTheLimit() throws {
        let long = [UInt8](repeating: 0x41, count: 100)
        try withFile(long + [0x0A]) { path in
            let secret = try SecretInput.read(from: path, limit: 100)
            #expect(secret.count == 100)
            #expect(throws: SecretsError.tooLong(path: path, limit: 99)) {
                try SecretInput.read(from: path, limit: 99)
            }
            #expect(throws: SecretsError.tooLong(path: path, limit: 10)) {
                try SecretInput.read(from: path, limit: 10)
            }
        }
        #expect(throws: SecretsError.tooLong(path: "/dev/zero", limit: 4_096)) {
            try SecretInput.read(from: "/dev/zero")
        }
    }

    @Test func refusesWhatHoldsNothing() throws {
        for content in ["", "\n", "\r\n"] {
            try withFile(Array(content.utf8)) { path in
                #expect(throws: SecretsError.empty(path: path)) {
                    try SecretInput.read(from: path)
                }
            }
        }
    }

    @Test func saysWhyAFileCannotBeRead() {
        let missing = SecretsError.unreadable(
            path: "/nowhere/secret", reason: "No such file or directory")
        #expect(throws: missing) { try SecretInput.read(from: "/nowhere/secret") }
        #expect(missing.operatorText.contains("/nowhere/secret"))
        #expect(throws: SecretsError.unreadable(path: "/", reason: "Is a directory")) {
            try SecretInput.read(from: "/")
        }
    }
}
