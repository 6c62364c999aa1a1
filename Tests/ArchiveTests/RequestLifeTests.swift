import Archive
import Foundation
import Testing
import Vault

/// What may happen to a request, and what may not.
@Suite struct RequestLifeTests {
    private let now = Date(timeIntervalSince1970: 1_800_000_000)
    private let anna = Signatory.token(.random())
    private let ben = Signatory.token(.random())
    private var due: Date { now.addingTimeInterval(30 * 86_400) }
    private var received: RequestLife { RequestLife(dueAt: due) }

    @Test func aRequestIsCheckedApprovedExecutedAndDone() throws {
        var life = received
        life = try life.after(.check(by: anna))
        #expect(life.state == .checked)
        life = try life.after(.approve(by: anna, at: now))
        #expect(life.state == .approved)
        #expect(life.checkedBy == anna && life.approvedBy == anna)
        life = try life.after(.begin(at: now, held: false))
        #expect(life.state == .executing)
        life = try life.after(.finish)
        #expect(life.state == .done)
    }

    @Test func whereASecondPersonIsWantedTheFirstIsNotEnough() throws {
        let policy = RequestPolicy(secondPerson: true)
        for first in [anna, .operation] {
            let checked = try received.after(.check(by: first), policy)
            #expect(throws: RequestLifeError.secondPersonNeeded) {
                try checked.after(.approve(by: first, at: now), policy)
            }
            #expect(try checked.after(.approve(by: ben, at: now), policy).approvedBy == ben)
        }
    }

    @Test func anApprovedRequestWaitsAndCanBeStoppedUntilItBegins() throws {
        let policy = RequestPolicy(delay: 3600)
        let approved = try received.after(.check(by: anna), policy)
            .after(.approve(by: ben, at: now), policy)
        let time = now.addingTimeInterval(3600)
        #expect(throws: RequestLifeError.waits(until: time)) {
            try approved.after(.begin(at: time.addingTimeInterval(-1), held: false))
        }
        #expect(try approved.after(.refuse).state == .refused)
        let begun = try approved.after(.begin(at: time, held: false))
        #expect(throws: RequestLifeError.wrongState(.executing)) { try begun.after(.refuse) }
    }

    @Test func aHoldKeepsItFromBeginning() throws {
        let approved = try received.after(.check(by: anna)).after(.approve(by: anna, at: now))
        #expect(throws: RequestLifeError.held) { try approved.after(.begin(at: now, held: true)) }
    }

    @Test func theTimeIsExtendedOnceByTwoMonthsAtMostBeforeItIsOver() throws {
        let extended = try received.after(.extend(months: 2, at: due))
        #expect(extended.dueAt > due.addingTimeInterval(58 * 86_400))
        #expect(extended.dueAt < due.addingTimeInterval(63 * 86_400))
        #expect(extended.state == .received)
        #expect(throws: RequestLifeError.extendedAlready) {
            try extended.after(.extend(months: 1, at: now))
        }
        for months in [-1, 0, 3, .max] {
            #expect(throws: RequestLifeError.extensionTooLong) {
                try received.after(.extend(months: months, at: now))
            }
        }
        #expect(throws: RequestLifeError.tooLateToExtend) {
            try received.after(.extend(months: 1, at: due.addingTimeInterval(1)))
        }
    }

    @Test func itIsLateWhenItIsDueAndNeitherDoneNorRefused() throws {
        let after = due.addingTimeInterval(1)
        #expect(!received.isLate(at: due) && received.isLate(at: after))
        #expect(try !received.after(.refuse).isLate(at: after))
    }

    @Test func nothingElseMayHappenInAnyState() {
        let events: [(RequestLife.Event, Set<ForgetState>)] = [
            (.check(by: anna), [.received]), (.approve(by: anna, at: now), [.checked, .approved]),
            (.refuse, [.received, .checked, .approved]),
            (.extend(months: 1, at: now), [.received, .checked, .approved]),
            (.begin(at: now, held: false), [.approved]), (.finish, [.executing]),
        ]
        for state in ForgetState.allCases {
            for (event, allowed) in events {
                let life = RequestLife(state: state, checkedBy: ben, dueAt: due)
                if allowed.contains(state) {
                    #expect(throws: Never.self) { try life.after(event) }
                } else {
                    #expect(throws: RequestLifeError.wrongState(state)) { try life.after(event) }
                }
            }
        }
    }
}
