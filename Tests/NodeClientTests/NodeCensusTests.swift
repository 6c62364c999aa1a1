import Foundation
import NodeClient
import Ternary
import Testing

@Suite struct NodeCensusTests {
    private func info(_ milestone: Int?, coordinator: Hash? = nil) throws -> NodeInfo {
        var text = #"{"appName":"IRI","appVersion":"1""#
        if let milestone { text += #","latestSolidSubtangleMilestoneIndex":\#(milestone)"# }
        if let coordinator { text += #","coordinatorAddress":"\#(coordinator)""# }
        return try JSONDecoder().decode(NodeInfo.self, from: Data((text + "}").utf8))
    }

    private func places(_ census: inout NodeCensus, _ milestones: [Int?]) throws
        -> [NodeStanding.Place]
    {
        census.take(try milestones.map { try info($0) }).map(\.place)
    }

    @Test func nodesNearTheMiddleAreInStepAndLaterOnesBehind() throws {
        var census = NodeCensus(nodeCount: 4)
        let standings = census.take(try [101, 99, 93, nil].map { try info($0) })
        #expect(standings.map(\.place) == [.inStep, .inStep, .behind, .unknown])
        #expect(standings.map(\.lag) == [-2, 0, 6, nil])
        #expect(standings.map(\.milestone) == [101, 99, 93, nil])
    }

    @Test func oneThatClaimsToBeFarAheadPutsNobodyBehind() throws {
        var census = NodeCensus(nodeCount: 3)
        #expect(
            try places(&census, [1_000_000_000, 100, 101]) == [.inStep, .inStep, .inStep])
    }

    @Test func aNodeOfAnotherCoordinatorIsOfAnotherNetworkAndSetsNoMeasure() throws {
        let (ours, theirs) = (numberedHash(1), numberedHash(2))
        var census = NodeCensus(nodeCount: 4)
        let standings = census.take([
            try info(9_000, coordinator: theirs), try info(100, coordinator: ours),
            try info(101, coordinator: ours), try info(100),
        ])
        #expect(standings.map(\.place) == [.otherNetwork, .inStep, .inStep, .inStep])
        #expect(standings[0].lag == nil)
    }

    @Test func whichNetworkIsMeantCanBeSaid() throws {
        let (ours, theirs) = (numberedHash(1), numberedHash(2))
        var policy = NodeCensus.Policy()
        policy.coordinator = theirs
        var told = NodeCensus(nodeCount: 3, policy: policy)
        let answers = try [
            info(1, coordinator: ours), info(1, coordinator: ours), info(1, coordinator: theirs),
        ]
        #expect(told.take(answers).map(\.place) == [.otherNetwork, .otherNetwork, .inStep])
        var untold = NodeCensus(nodeCount: 2)
        // One word against another: both are asked.
        #expect(untold.take([answers[0], answers[2]]).map(\.place) == [.inStep, .inStep])
    }

    /// Numbers that no ledger has are told to disturb.
    @Test(arguments: [Int.min, -1, Int(Int32.max) + 1, Int.max])
    func absurdMilestonesAreNone(milestone: Int) throws {
        var census = NodeCensus(nodeCount: 3)
        #expect(try places(&census, [milestone, 100, 100]) == [.unknown, .inStep, .inStep])
        #expect(try places(&census, [100, 100, 100]) == [.inStep, .inStep, .inStep])
        #expect(try places(&census, [~milestone, 100, 99])[1...] == [.inStep, .inStep])
    }

    @Test func aNodeThatLosesMilestonesWasPutBackUntilItHasThemAgain() throws {
        var census = NodeCensus(nodeCount: 2)
        #expect(try places(&census, [1000, 1000]) == [.inStep, .inStep])
        #expect(try places(&census, [990, 1000]) == [.inStep, .inStep])
        #expect(try places(&census, [700, 1001]) == [.rolledBack, .inStep])
        #expect(try places(&census, [1001, 1002]) == [.inStep, .inStep])
    }

    @Test func whoDoesNotAnswerKeepsItsPlace() throws {
        var census = NodeCensus(nodeCount: 3)
        _ = census.take([try info(1000), try info(900), try info(1000)])
        let standings = census.take([nil, nil, nil])
        #expect(standings.map(\.place) == [.inStep, .behind, .inStep])
        #expect(standings.map(\.milestone) == [1000, 900, 1000])
    }
}
