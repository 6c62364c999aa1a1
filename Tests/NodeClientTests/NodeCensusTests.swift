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
        // One word against another: the first that was configured stands.
        #expect(untold.take([answers[0], answers[2]]).map(\.place) == [.inStep, .otherNetwork])
    }

    @Test func aNodeThatLosesMilestonesWasPutBackUntilItHasThemAgain() throws {
        var census = NodeCensus(nodeCount: 2)
        #expect(try places(&census, [1000, 1000]) == [.inStep, .inStep])
        #expect(try places(&census, [990, 1000]) == [.behind, .inStep])
        #expect(try places(&census, [700, 1001]) == [.rolledBack, .inStep])
        #expect(try places(&census, [1001, 1002]) == [.inStep, .inStep])
    }

    @Test func whoDoesNotAnswerKeepsItsPlace() throws {
        var census = NodeCensus(nodeCount: 2)
        _ = census.take([try info(1000), try info(900)])
        let standings = census.take([nil, nil])
        #expect(standings.map(\.place) == [.inStep, .behind])
        #expect(standings.map(\.milestone) == [1000, 900])
    }
}
