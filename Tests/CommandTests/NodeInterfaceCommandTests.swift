import Foundation
import NodeClient
import TestSupport
import Testing

/// Switching a channel's node interface, and the gateway, by command.
@Suite struct NodeInterfaceCommandTests {
    @Test func aChannelsInterfaceIsSetAndShown() async throws {
        try await Workplace.withArchive { place in
            let node = try await place.startNode()
            defer { node.signal(SIGTERM) }
            let id = try await place.add(try ChannelVector.named("meter"))
            #expect(try await place.run("crawl", "--until-idle").status == 0)
            for (value, shown) in [("token", "token"), ("public", "public"), ("off", "off")] {
                let set = try await place.run("channel", "set", id, "--node-interface", value)
                #expect(set.status == 0, "\(set.errors)")
                let lines = try await place.run("channel", "show", id).lines
                #expect(lines.contains { $0.hasPrefix("node interface") && $0.hasSuffix(shown) })
            }
            let wrong = try await place.run("channel", "set", id, "--node-interface", "everyone")
            #expect(wrong.status == 2)
            let kinds = try await place.run("audit", "list", "--channel", id).output
            #expect(kinds.contains("channel.node-interface-set"))
        }
    }

    @Test func theGatewayRefusesWhatWouldGiveTheTokenAway() async throws {
        try await Workplace.with { place in
            let token = try place.file("token", "pmn_0123456789_secret\n")
            let fine = ["gateway", "--archive", "https://archive.example", "--token-file", token]
            let program = Program()
            for listen in ["0.0.0.0:0", "[::]:0"] {
                let refused = try await program.run(fine + ["--listen", listen])
                #expect(refused.status == 4)
                #expect(refused.errors.contains("loopback"))
            }
            let plain = try await program.run(
                ["gateway", "--archive", "http://archive.example", "--token-file", token])
            #expect(plain.status == 4)
            let none = try await program.run(
                ["gateway", "--archive", "https://archive.example", "--token-file", "-"],
                input: "two words")
            #expect(none.status == 2)
            #expect(try await program.run(fine + ["--listen", "localhost:1"]).status == 2)
            for result in [plain, none] { #expect(!result.errors.contains("secret")) }
        }
    }
}
