import NodeClient
import Testing

@Suite struct NodeSelectionTests {
    /// A generator that always gives the same bits.
    private struct Constant: RandomNumberGenerator {
        let bits: UInt64
        func next() -> UInt64 { bits }
    }

    private var generator = Constant(bits: 1 << 62)

    @Test func theFirstNodeComesFirstAndLoadIsSpread() {
        var selection = NodeSelection(nodeCount: 3)
        var call = NodeSelection.Call()
        #expect(selection.next(for: &call, at: .zero) == .use(0))
        #expect(selection.next(for: &call, at: .zero) == .use(1))
        selection.succeeded(0)
        #expect(selection.next(for: &call, at: .zero) == .use(0))
        #expect(selection.health.map(\.inFlight) == [1, 1, 0])
    }

    @Test mutating func aFailedNodeIsLeftAloneUntilItHasCooledDown() {
        var selection = NodeSelection(nodeCount: 2)
        var call = NodeSelection.Call()
        #expect(selection.next(for: &call, at: .zero) == .use(0))
        selection.failed(0, at: .zero, using: &generator)
        #expect(selection.next(for: &call, at: .zero) == .use(1))
        selection.succeeded(1)
        for second in [0.0, 0.1, 0.4] {
            var other = NodeSelection.Call()
            #expect(selection.next(for: &other, at: .seconds(second)) == .use(1))
            selection.succeeded(1)
        }
        // Past its cool-down it is still behind the one that never failed.
        var later = NodeSelection.Call()
        #expect(selection.next(for: &later, at: .seconds(2)) == .use(1))
        #expect(selection.take(excluding: [1], at: .seconds(2)) == 0)
        selection.succeeded(0)
        #expect(selection.health[0] == .init())
    }

    @Test mutating func coolDownsGrowToTheLongestAndASuccessResetsThem() throws {
        var selection = NodeSelection(nodeCount: 1)
        var now: Duration = .zero
        var coolDowns: [Duration] = []
        for _ in 0..<12 {
            #expect(selection.take(excluding: [], at: now) == 0)
            selection.failed(0, at: now, using: &generator)
            let until = try #require(selection.health[0].coolingUntil)
            coolDowns.append(until - now)
            now = until
        }
        #expect(coolDowns == coolDowns.sorted())
        #expect(coolDowns[0] <= .seconds(1) && coolDowns[0] >= .milliseconds(500))
        #expect(coolDowns[11] <= .seconds(60) && coolDowns[11] >= .seconds(30))
        #expect(selection.take(excluding: [], at: now) == 0)
        selection.succeeded(0)
        #expect(selection.take(excluding: [], at: now) == 0)
        selection.failed(0, at: now, using: &generator)
        #expect(selection.health[0].coolingUntil == now + coolDowns[0])
    }

    @Test mutating func failuresUnderWayTogetherCountOnce() {
        var selection = NodeSelection(nodeCount: 1)
        for _ in 0..<8 { #expect(selection.take(excluding: [], at: .zero) == 0) }
        for _ in 0..<8 { selection.failed(0, at: .zero, using: &generator) }
        #expect(selection.health[0].consecutiveFailures == 1)
        #expect(selection.health[0].inFlight == 0)
    }

    @Test mutating func oneRequestTriesANodeThatFailed() {
        var selection = NodeSelection(nodeCount: 1)
        var call = NodeSelection.Call()
        #expect(selection.next(for: &call, at: .zero) == .use(0))
        selection.failed(0, at: .zero, using: &generator)
        #expect(selection.next(for: &call, at: .seconds(1)) == .use(0))
        var other = NodeSelection.Call()
        #expect(selection.next(for: &other, at: .seconds(1)) == .wait(.milliseconds(250)))
        // A cancelled trial frees the place.
        selection.left(0)
        #expect(selection.next(for: &other, at: .seconds(2)) == .use(0))
        selection.succeeded(0)
        #expect(selection.next(for: &other, at: .seconds(2)) == .use(0))
        #expect(selection.next(for: &other, at: .seconds(2)) == .use(0))
    }

    @Test mutating func aCallEndsAfterItsAttempts() {
        var selection = NodeSelection(nodeCount: 1)
        var call = NodeSelection.Call()
        var now: Duration = .zero
        var uses = 0
        var waits: Duration = .zero
        loop: for _ in 0..<100 {
            switch selection.next(for: &call, at: now) {
            case .use(let node):
                uses += 1
                selection.failed(node, at: now, using: &generator)
            case .wait(let pause):
                waits += pause
                now += pause
            case .giveUp: break loop
            }
        }
        #expect(uses >= 2 && uses <= 4)
        #expect(waits > .zero && waits <= .seconds(5))
        #expect(selection.next(for: &call, at: now) == .giveUp)
    }

    @Test mutating func aCallDoesNotWaitForALongCoolDown() {
        var policy = NodeSelection.Policy()
        policy.firstCoolDown = .seconds(40)
        var selection = NodeSelection(nodeCount: 1, policy: policy)
        #expect(selection.take(excluding: [], at: .zero) == 0)
        selection.failed(0, at: .zero, using: &generator)
        var call = NodeSelection.Call()
        #expect(selection.next(for: &call, at: .seconds(1)) == .giveUp)
    }

    @Test func excludedNodesAreNeverChosen() {
        var selection = NodeSelection(nodeCount: 2)
        var call = NodeSelection.Call()
        call.excluded = [0]
        #expect(selection.next(for: &call, at: .zero) == .use(1))
        call.excluded = [0, 1]
        #expect(selection.next(for: &call, at: .zero) == .giveUp)
    }

    private func standings(_ places: NodeStanding.Place...) -> [NodeStanding] {
        places.map { place in
            var standing = NodeStanding()
            standing.place = place
            return standing
        }
    }

    @Test func nodesThatAreBehindComeLastAndThoseOfAnotherNetworkNever() {
        var selection = NodeSelection(nodeCount: 4)
        selection.note(standings(.otherNetwork, .behind, .rolledBack, .inStep))
        #expect(selection.take(excluding: [], at: .zero) == 3)
        // Rather one that is behind than none.
        #expect(selection.take(excluding: [3], at: .zero) == 1)
        #expect(selection.take(excluding: [1, 3], at: .zero) == 2)
        #expect(selection.take(excluding: [1, 2, 3], at: .zero) == nil)
        var call = NodeSelection.Call()
        call.excluded = [1, 2, 3]
        #expect(selection.next(for: &call, at: .zero) == .giveUp)
    }

    @Test func amongEquallyBusyNodesTheFasterComesFirst() {
        var selection = NodeSelection(nodeCount: 2)
        #expect(selection.take(excluding: [], at: .zero) == 0)
        selection.succeeded(0, after: .seconds(10))
        #expect(selection.latency == [.seconds(2), .zero])
        #expect(selection.take(excluding: [], at: .zero) == 1)
        // It has a request under way now.
        #expect(selection.take(excluding: [], at: .zero) == 0)
        selection.left(0)
        selection.succeeded(1, after: .milliseconds(100))
        #expect(selection.take(excluding: [], at: .zero) == 1)
        selection.left(1, after: .seconds(60))
        #expect(selection.take(excluding: [], at: .zero) == 0)
    }

    @Test mutating func blameCoolsANodeDownLikeAFailure() {
        var selection = NodeSelection(nodeCount: 2)
        #expect(selection.take(excluding: [], at: .zero) == 0)
        selection.succeeded(0)
        selection.blame(0, at: .zero, using: &generator)
        #expect(selection.health[0].consecutiveFailures == 1)
        #expect(selection.health[0].inFlight == 0)
        #expect(selection.take(excluding: [], at: .zero) == 1)
    }
}
