import Archive
import Erasure
import Testing
import Vault

/// The order of a forget's steps, without a database.
@Suite struct ForgetJobTests {
    private func job(_ targets: [ForgetJob.Target], _ state: ForgetState = .executing) -> ForgetJob
    {
        ForgetJob(state: state, targets: targets)
    }

    private func target(
        buried: Bool = false, shredded: Bool = false, deleted: Bool = false
    ) -> ForgetJob.Target {
        .init(channel: .random(), buried: buried, shredded: shredded, deleted: deleted)
    }

    @Test func aReceivedRequestBeginsAndADoneOneIsFinished() {
        #expect(job([], .received).next == .begin)
        #expect(job([], .done).next == .finished)
    }

    @Test func tombstonesComeBeforeKeysAndAllKeysBeforeAnyRow() {
        let first = target(buried: true, shredded: true)
        var second = target()
        #expect(job([first, second]).next == .bury(second.channel))
        second.buried = true
        #expect(job([first, second]).next == .shred(second.channel))
        second.shredded = true
        #expect(job([first, second]).next == .delete(first.channel))
    }

    @Test func itConcludesWhenEveryChannelIsDeleted() {
        let done = target(buried: true, shredded: true, deleted: true)
        #expect(job([done, done]).next == .conclude)
        #expect(job([]).next == .conclude)
    }

    /// Whatever step a crash comes after, the steps that are left lead to the end.
    @Test func fromEveryStandItEndsInBoundedSteps() {
        let stands = [
            target(), target(buried: true), target(buried: true, shredded: true),
            target(buried: true, shredded: true, deleted: true),
        ]
        for first in stands {
            for second in stands {
                var walk = job([first, second], .received)
                var steps = 0
                while walk.next != .finished, steps < 20 {
                    walk.carryOut(walk.next)
                    steps += 1
                }
                #expect(walk.state == .done)
            }
        }
    }
}

extension ForgetJob {
    fileprivate mutating func carryOut(_ step: Step) {
        func change(_ channel: ChannelNumber, _ change: (inout Target) -> Void) {
            for index in targets.indices where targets[index].channel == channel {
                change(&targets[index])
            }
        }
        switch step {
        case .begin: state = .executing
        case .bury(let channel): change(channel) { $0.buried = true }
        case .shred(let channel): change(channel) { $0.shredded = true }
        case .delete(let channel): change(channel) { $0.deleted = true }
        case .conclude: state = .done
        case .finished: break
        }
    }
}
