import Foundation
import MAM
import Tangle
import Ternary
import Testing

import struct Tangle.Bundle

/// `permanode decode --bundle`.
@Suite struct DecodeTests {
    /// What a service gave as evidence is checked without it.
    @Test func evidenceIsCheckedWithoutADatabase() async throws {
        try await Workplace.with { work in
            var chain = try ChannelWriter(
                seed: Seed(String(repeating: "E", count: 81)), mode: .private, securityLevel: 1)
            let root = chain.root
            let text = root.revealHash().description
            work.keepSecret(text)
            let file = try work.file("root", text)
            var documents: [String] = []
            for (sequence, text) in ["first", "second"].enumerated() {
                let written = try chain.write(text)
                let built = try BundleBuilder.bundle(
                    address: written.address, messageTrytes: written.payload,
                    tag: Trytes(validated: []), timestamp: 1_700_000_000)
                let bundle = try Bundle(
                    Attachment.attach(
                        built, trunk: .null, branch: .null, minWeightMagnitude: 0,
                        attachmentTimestamp: 1_700_000_000_000))
                let transactions = zip(bundle.hashes, bundle.transactions).map {
                    #"{"hash": "\#($0)", "trytes": "\#($1.trytes)"}"#
                }.joined(separator: ",")
                documents.append(
                    #"{"sequence": \#(sequence), "bundle": "\#(bundle.bundleHash)", "#
                        + #""attachments": [{"number": 0, "transactions": [\#(transactions)]}]}"#)
            }
            func decode(_ input: String, _ more: String...) async throws -> Program.Result {
                try await work.run(
                    ["decode", "--bundle", "--root-file", file, "--mode", "private"] + more,
                    input: input)
            }
            let both = try await decode(documents.joined(separator: "\n"))
            #expect(both.status == 0, "\(both.errors)")
            #expect(both.output == "first\nsecond\n")
            let first = try await decode(documents[0], "--json")
            #expect(first.output.contains(#""sequence":0"#) && first.output.contains("first"))
            let alone = try await decode(documents[1])
            #expect(alone.status == 1 && alone.errors.contains("the root leads to"))
            let place = try #require(documents[0].range(of: "\"trytes\": \"")).upperBound
            let other = documents[0][place] == "9" ? "A" : "9"
            let changed = documents[0].replacingCharacters(in: place...place, with: other)
            let wrong = try await decode(changed)
            #expect(wrong.status == 1 && wrong.output.isEmpty)
            #expect(wrong.errors.contains("[evidence.wrong]"))
        }
    }
}
