import Secrets
import Testing
import Vault

@Suite struct KeyTreeTests {
    /// The tree as one would write it down: a root, and a list of what is gone.
    private struct NaiveTree {
        let root: SecretBytes
        var holes: [TreePath] = []

        func derive(_ path: TreePath) throws -> SecretBytes? {
            guard !holes.contains(where: { $0.contains(path) }) else { return nil }
            var key = root
            for depth in 0..<path.depth {
                key = try KeyDerivation.derive(
                    from: key, subkey: path.bits >> UInt64(63 - depth) & 1,
                    context: .init("pmn.tree"))
            }
            return key
        }
    }

    private static let fixedSeeds: [UInt64] = Array(1...12)
    static let seeds = fixedSeeds + [UInt64.random(in: 100...(.max))]

    private func channel(_ rawValue: Int64) throws -> ChannelNumber {
        try #require(ChannelNumber(rawValue: rawValue))
    }

    /// Channels next to each other and far apart, few periods of each: a universe in which random
    /// holes meet, nest and repeat.
    private func universe(_ random: inout RandomSource) throws -> [TreePath] {
        let base = Int64.random(in: 0..<1 << 40, using: &random) << 8
        let channels = try [base, base + 1, base + 2, base + 7, base ^ 1 << 47].map(channel)
        let periods = (0..<12).map { Period(rawValue: 600 + $0) } + [.channel, .init(rawValue: 0)]
        return channels.flatMap { channel in periods.map { TreePath(channel, $0) } }
    }

    private func randomHole(
        near leaves: [TreePath], using random: inout RandomSource
    ) throws -> [TreePath] {
        let leaf = try #require(leaves.randomElement(using: &random))
        let number = try channel(Int64(leaf.bits >> 16))
        let period = Period(rawValue: UInt16(truncatingIfNeeded: leaf.bits))
        switch Int.random(in: 0..<8, using: &random) {
        case 0: return ForgetScope.channel(number).paths
        case 1: return ForgetScope.before(number, period).paths
        case 2:
            let depth = Int.random(in: 56...64, using: &random)
            let open = depth == 64 ? 0 : (UInt64(1) << UInt64(64 - depth)) - 1
            return [try #require(TreePath(checking: leaf.bits & ~open, depth: depth))]
        default: return ForgetScope.period(number, period).paths
        }
    }

    @Test(arguments: seeds)
    func agreesWithANaiveModel(seed: UInt64) throws {
        print("key tree: seed \(seed)")
        var random = RandomSource(seed: seed)
        let leaves = try universe(&random)
        var naive = NaiveTree(root: .random(32))
        var tree = try KeyTree(root: naive.root)
        var forgotten = 0
        for _ in 0..<25 {
            let holes = try (0..<Int.random(in: 1...3, using: &random)).flatMap { _ in
                try randomHole(near: leaves, using: &random)
            }
            naive.holes += holes
            let before = tree
            tree = try tree.punctured(holes)
            #expect(tree.isWithin(before))
            #expect(before.isWithin(tree) == (tree.paths == before.paths))
            #expect(try tree.punctured(holes).paths == tree.paths, "again changes nothing")

            forgotten = 0
            for leaf in leaves {
                let expected = try naive.derive(leaf)
                #expect(tree.derive(leaf) == expected)
                #expect(tree.isPunctured(leaf) == (expected == nil))
                #expect(tree.isWhole(leaf) == (expected != nil))
                forgotten += expected == nil ? 1 : 0
            }
            for hole in holes { #expect(tree.isPunctured(hole) && !tree.isWhole(hole)) }
        }
        #expect(forgotten > 0, "something was forgotten")
    }

    /// What thousands of forgets left, as a list.
    private struct NaiveList {
        var channels: Set<ChannelNumber> = []
        var before: [ChannelNumber: UInt16] = [:]
        var periods: [ChannelNumber: Set<Period>] = [:]

        mutating func forget(_ scope: ForgetScope) {
            switch scope {
            case .channel(let number): channels.insert(number)
            case .period(let number, let period): periods[number, default: []].insert(period)
            case .before(let number, let period):
                before[number] = max(before[number] ?? 0, period.rawValue)
            }
        }

        func has(_ number: ChannelNumber, _ period: Period) -> Bool {
            channels.contains(number) || period.rawValue < before[number] ?? 0
                || periods[number]?.contains(period) == true
        }
    }

    /// A thousand channels, near and far, forgotten whole, in part and by retention, in any order:
    /// every leaf that nobody forgot derives as from the whole tree, every other one not at all.
    @Test(arguments: fixedSeeds.prefix(2) + [UInt64.random(in: 100...(.max))])
    func thousandsOfForgetsOfEveryKindAgreeWithAList(seed: UInt64) throws {
        print("key tree, large: seed \(seed)")
        var random = RandomSource(seed: seed)
        let base = Int64.random(in: 0..<1 << 40, using: &random) << 8
        let numbers = try (0..<1000).map { index in
            try channel(
                index.isMultiple(of: 2)
                    ? base + Int64(index) : Int64.random(in: 0..<1 << 48, using: &random))
        }
        let months = (600..<640).map { Period(rawValue: $0) } + [Period(rawValue: 0), .channel]
        let whole = try KeyTree(root: .random(32))
        var (tree, naive) = (whole, NaiveList())
        for _ in 0..<30 {
            var holes: [TreePath] = []
            for _ in 0..<100 {
                let number = try #require(numbers.randomElement(using: &random))
                let month = Period(rawValue: UInt16.random(in: 600..<640, using: &random))
                let scope: ForgetScope =
                    switch Int.random(in: 0..<8, using: &random) {
                    case 0: .channel(number)
                    case 1, 2: .before(number, month)
                    default: .period(number, month)
                    }
                naive.forget(scope)
                holes += scope.paths
            }
            tree = try tree.punctured(holes)
        }
        var gone = 0
        for number in numbers {
            for month in months {
                let leaf = TreePath(number, month)
                if naive.has(number, month) {
                    gone += 1
                    #expect(tree.derive(leaf) == nil && tree.isPunctured(leaf))
                } else {
                    #expect(tree.derive(leaf) == whole.derive(leaf))
                }
            }
        }
        #expect(gone > 5_000 && gone < numbers.count * months.count - 5_000)
        // 48 nodes to a channel at most, and 16 within it for each of its holes.
        #expect(tree.nodeCount < 3_000 * (48 + 16))
    }

    @Test func startsWhole() throws {
        let tree = try KeyTree(root: .random(32))
        #expect(tree.nodeCount == 1)
        #expect(tree.isWhole(.root) && !tree.isPunctured(.root))
        #expect(try tree.punctured([]).paths == tree.paths)
    }

    @Test func canForgetEverything() throws {
        let tree = try KeyTree(root: .random(32)).punctured([.root])
        #expect(tree.nodeCount == 0)
        #expect(tree.isPunctured(.root))
        #expect(tree.derive(TreePath(try channel(5), .channel)) == nil)
        #expect(try tree.punctured([TreePath(try channel(5))]).nodeCount == 0)
    }

    @Test func reachesTheLastAndTheFirstLeaf() throws {
        let last = try channel((1 << 48) - 1)
        let first = try channel(0)
        let ends = [TreePath(first, Period(rawValue: 0)), TreePath(last, .channel)]
        let whole = try KeyTree(root: .random(32))
        let tree = try whole.punctured(ends)
        // Both ways part at the root: a node for each of 63 steps, twice.
        #expect(tree.nodeCount == 126)
        for end in ends { #expect(tree.isPunctured(end)) }
        let neighbours = [
            TreePath(first, Period(rawValue: 1)), TreePath(last, Period(rawValue: .max - 1)),
        ]
        for leaf in neighbours {
            let key = try #require(tree.derive(leaf))
            #expect(key == whole.derive(leaf))
        }
    }

    @Test func keepsNoMoreThanTheCoPath() throws {
        var random = RandomSource(seed: 7)
        let whole = try KeyTree(root: .random(32))
        for count in [1, 2, 100, 3_000] {
            let holes = try (0..<count).map { _ in
                TreePath(try channel(Int64.random(in: 0..<1 << 48, using: &random)))
            }
            // Siblings of what is on the way to a hole, themselves on the way to none.
            var onTheWay: Set<UInt64> = []
            var siblings: Set<UInt64> = []
            for hole in holes {
                for depth in 1...48 {
                    // A leading 1 tells 01 from 001.
                    let prefix = UInt64(1) << UInt64(depth) | hole.bits >> UInt64(64 - depth)
                    onTheWay.insert(prefix)
                    siblings.insert(prefix ^ 1)
                }
            }
            #expect(try whole.punctured(holes).nodeCount == siblings.subtracting(onTheWay).count)
        }
        #expect(try whole.punctured([TreePath(try channel(3))]).nodeCount == 48)
    }

    @Test func staysSmallForAHundredThousandForgottenChannels() throws {
        var random = RandomSource(seed: 11)
        let numbers = try (0..<100_000).map { _ in
            try channel(Int64.random(in: 0..<1 << 48, using: &random))
        }
        let whole = try KeyTree(root: .random(32))
        let tree = try whole.punctured(numbers.map { TreePath($0) })
        #expect(tree.nodeCount < 100_000 * 32)
        #expect(numbers.allSatisfy { tree.isPunctured(TreePath($0)) })
        let other = TreePath(try channel(numbers[0].rawValue ^ 1), .channel)
        let key = try #require(tree.derive(other))
        #expect(key == whole.derive(other))
    }

    @Test func staysSmallUnderMonthlyRetentionOfTenThousandChannels() throws {
        var random = RandomSource(seed: 13)
        let numbers = try (0..<10_000).map { _ in
            try channel(Int64.random(in: 0..<1 << 48, using: &random))
        }
        var tree = try KeyTree(root: .random(32))
        for month in UInt16(600)..<624 {
            tree = try tree.punctured(
                numbers.flatMap {
                    ForgetScope.before($0, Period(rawValue: month)).paths
                })
            // 48 - log2(10,000) on the way to a channel, 16 within it.
            #expect(tree.nodeCount <= 10_000 * (36 + 16))
        }
        for number in numbers.prefix(100) {
            #expect(tree.isPunctured(TreePath(number, Period(rawValue: 622))))
            #expect(tree.isPunctured(TreePath(number, Period(rawValue: 0))))
            #expect(tree.isWhole(TreePath(number, Period(rawValue: 623))))
            #expect(tree.isWhole(TreePath(number, .channel)))
        }
    }

    @Test func refusesARootOfAnotherLength() {
        #expect(throws: SecretsError.self) { try KeyTree(root: .random(31)) }
    }
}
