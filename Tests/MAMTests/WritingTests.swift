import MAM
import Ternary
import TestSupport
import Testing

@Suite struct WritingTests {
    @Test func theSameSeedGivesTheRootsAndAddressesOfThePublishedClient() throws {
        let channels = try ChannelVector.all()
        #expect(!channels.isEmpty)
        for channel in channels {
            let first = try #require(channel.messages.first)
            var writer = try ChannelWriter(
                seed: try Seed(channel.seed), mode: channel.mode,
                sideKey: try first.sideKey.map { try SideKey($0) },
                securityLevel: channel.security, leavesPerTree: channel.treeCount)
            #expect(writer.root == (try Root(first.root)))
            for vector in channel.messages {
                if let sideKey = vector.sideKey { try writer.change(sideKey: SideKey(sideKey)) }
                let original = try #require(
                    try MessageReader.read([vector.request()], .alreadyVerified).first
                ).get()
                let content = original.contentTrytes
                let written = try writer.write(trytes: content)
                #expect(written.root == (try Root(vector.root)), "\(channel.name)")
                #expect(written.nextRoot == (try Root(vector.nextRoot)), "\(channel.name)")
                #expect(written.address == vector.address, "\(channel.name)")
                #expect(written.index == vector.index, "\(channel.name)")
                let message = try #require(
                    try MessageReader.read([vector.request(written.payload)], .full).first
                ).get()
                #expect(message.contentTrytes == content)
                #expect(message.nextRoot == written.nextRoot)
                // The published client's payload is ours but for its nonce and padding.
                let layout = try PayloadLayout.parse(written.payload)
                let shared = layout.headTritCount - PayloadLayout.nonceTritCount
                #expect(
                    written.payload.trits.prefix(shared) == vector.payload.trits.prefix(shared),
                    "\(channel.name)")
            }
        }
    }

    @Test(arguments: ChannelMode.allCases, [1, 2, 3])
    func everyModeAndLevelIsReadBack(mode: ChannelMode, level: Int) throws {
        var generator = SeededGenerator.announced()
        let sideKey = mode == .restricted ? try SideKey(trytes: generator.trytes(40)) : nil
        var writer = try ChannelWriter(
            seed: try Seed(generator.trytes(81).description), mode: mode, sideKey: sideKey,
            securityLevel: level)
        var next = writer.root
        for text in ["first", "second", ""] {
            let written = try writer.write(text)
            #expect(written.root == next)
            #expect(written.address == ChannelAddress.address(of: next, mode: mode))
            let request = ReadRequest(payload: written.payload, root: next, sideKey: sideKey)
            let message = try #require(MessageReader.read([request], .full).first).get()
            #expect(message.text == text)
            #expect(message.securityLevel == level)
            #expect(message.siblingCount == 0)
            next = message.nextRoot
        }
        #expect(writer.root == next)
        #expect(writer.tree == 3)
    }

    @Test(arguments: [1, 2, 4, 16])
    func treesOfPowersOfTwoAreReadBack(leaves: Int) throws {
        var generator = SeededGenerator.announced()
        var writer = try ChannelWriter(
            seed: try Seed(generator.trytes(81).description), mode: .private, securityLevel: 1,
            leavesPerTree: leaves)
        let first = writer.root
        var second: Root?
        for number in 0..<leaves + 1 {
            let written = try writer.write("message \(number)")
            let request = ReadRequest(payload: written.payload, root: written.root)
            let message = try #require(MessageReader.read([request], .full).first).get()
            #expect(message.text == "message \(number)")
            #expect(message.index == UInt64(number % leaves))
            #expect(1 << (message.siblingCount ?? -1) == leaves)
            #expect(written.root == (number < leaves ? first : second))
            if number < leaves { second = message.nextRoot }
        }
    }

    @Test func contentNeedNotBeWholeTrytesOrBlocks() throws {
        var generator = SeededGenerator.announced()
        var writer = try ChannelWriter(
            seed: try Seed(generator.trytes(81).description), mode: .public, securityLevel: 1)
        for count in [0, 1, 2, 3, 4, 242, 243, 244, 485, 486, 487, 729] {
            let content = (0..<count).map { _ in Trit.random(in: -1...1, using: &generator) }
            let written = try writer.write(trits: content)
            let request = ReadRequest(payload: written.payload, root: written.root)
            let message = try #require(MessageReader.read([request], .full).first).get()
            #expect(message.contentTritCount == count)
            #expect(message.contentTrytes == Trytes(trits: content))
            if !count.isMultiple(of: 3) { #expect(message.text == nil) }
        }
    }

    @Test func writingIsDeterministicAndResumes() throws {
        let seed = try Seed(String(repeating: "DETERMINE", count: 9))
        func writer(tree: UInt64, leaf: Int) throws -> ChannelWriter {
            try ChannelWriter(
                seed: seed, mode: .private, securityLevel: 1, leavesPerTree: 2, tree: tree,
                leaf: leaf)
        }
        var one = try writer(tree: 0, leaf: 0)
        let messages = try (0..<4).map { try one.write("number \($0)") }
        for (number, message) in messages.enumerated() {
            var again = try writer(tree: UInt64(number / 2), leaf: number % 2)
            #expect(try again.write("number \(number)") == message)
        }
    }

    @Test func whatCannotBeWrittenIsRefused() throws {
        let seed = try Seed(String(repeating: "9", count: 81))
        let key = try SideKey("KEY")
        for count in [-4, 0, 3, 6, 12, 1 << 17, Int.max, Int.min] {
            #expect(throws: WriteError.leafCount(count)) {
                try ChannelWriter(seed: seed, mode: .public, leavesPerTree: count)
            }
        }
        for level in [-1, 0, 4] {
            #expect(throws: WriteError.securityLevel(level)) {
                try ChannelWriter(seed: seed, mode: .public, securityLevel: level)
            }
        }
        #expect(throws: WriteError.sideKey(.restricted)) {
            try ChannelWriter(seed: seed, mode: .restricted)
        }
        #expect(throws: WriteError.sideKey(.private)) {
            try ChannelWriter(seed: seed, mode: .private, sideKey: key)
        }
        #expect(throws: WriteError.position(leaf: 2)) {
            try ChannelWriter(seed: seed, mode: .public, leavesPerTree: 2, leaf: 2)
        }
        #expect(throws: WriteError.exhausted) {
            try ChannelWriter(seed: seed, mode: .public, leavesPerTree: 2, tree: 1 << 63)
        }
        var last = try ChannelWriter(
            seed: seed, mode: .public, securityLevel: 1, tree: UInt64.max - 1)
        #expect(throws: WriteError.exhausted) { try last.write("no tree follows") }
        var open = try ChannelWriter(seed: seed, mode: .public, securityLevel: 1)
        #expect(throws: WriteError.sideKey(.public)) { try open.change(sideKey: key) }
    }
}
