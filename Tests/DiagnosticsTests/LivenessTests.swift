import Diagnostics
import Testing

/// Parts that are at work, and such that are not.
@Suite struct LivenessTests {
    @Test func aPartThatIsSilentForTooLongIsNamedUntilItBeatsAgain() {
        let liveness = Liveness()
        let start = ContinuousClock.now
        let quick = liveness.watch("quick", limit: .seconds(1), from: start)
        let slow = liveness.watch("slow", limit: .seconds(100), from: start)
        #expect(liveness.silent(at: start + .seconds(1)).isEmpty)
        #expect(liveness.silent(at: start + .seconds(2)) == ["quick"])
        quick.beat(at: start + .seconds(2))
        #expect(liveness.silent(at: start + .seconds(3)).isEmpty)
        #expect(liveness.silent(at: start + .seconds(200)) == ["quick", "slow"])
        slow.beat(at: start + .seconds(200))
        let silences = liveness.silences(at: start + .seconds(201))
        #expect(silences.map(\.name) == ["quick", "slow"])
        #expect(silences.map(\.silence) == [.seconds(199), .seconds(1)])
    }

    @Test func whoeverIsUnwatchedMayBeat() {
        Liveness.Pulse.unwatched.beat()
        #expect(Liveness().silent().isEmpty)
    }
}
