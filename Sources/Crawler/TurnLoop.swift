import Archive
import Diagnostics
import Failures
import Foundation
import MAM
import Tangle
import Ternary
import Vault

/// Gives many channels their turns at the same time, from one task: it keeps what every turn
/// knows, gathers what they need into batches, has each batch carried out in a task of its own,
/// and tells the turns the answers. So turns cost no tasks, and batches become large.
///
/// A class that stays with the task that runs it.
final class TurnLoop {
    /// Payloads read at once: enough to fill the lanes of the widest vectors many times over.
    private static let payloadsPerBatch = 512

    /// Payloads worth reading beside others that are being read: with fewer, most lanes stay empty.
    private static let payloadsWorthReading = 128

    /// Messages and channels stored at once: the statements of a transaction cost more than a
    /// hundred rows, and the channels stay locked until its end.
    private static let findingsPerCommit = 256

    /// Batches of payloads and of findings under way at the same time: one waits for the disk
    /// while the other computes.
    private static let batchesAtOnce = 2

    /// Requests for several addresses under way at the same time, so that a slow answer holds up
    /// few.
    private static let sightingsAtOnce = 4

    /// Tails asked after at once: nodes take lists of a thousand.
    private static let tailsTogether = 1000

    enum Event: Sendable {
        case sighted([Int], [Result<Sighting, any Error>], isAlone: Bool)
        case fetched(Int, [Hash], Result<[Hash: Transaction], any Error>)
        case completed(Int, Result<[Hash], any Error>)
        case read([Int], [[Result<Message, ReadError>]])
        case confirmed([Int], [Result<[Hash: Int32?], any Error>])
        case stored([Int], [Result<CrawlOutcome, any Error>])
        case setAside(Int)
        case tick
        case checked(TurnWork.Checked)
        case leased([CrawlAssignment])
        /// A channel may be due; false where none will be any more.
        case alarm(Bool)
    }

    typealias Tasks = ThrowingTaskGroup<Event, any Error>

    let work: TurnWork
    let policy: CrawlPolicy
    private let memory: CrawlMemory
    private let instruments: CrawlInstruments
    private let log: Log
    private let ended: (ChainWalk.Summary) -> Void

    private(set) var turns: [Int: Turn] = [:]
    private var lastNumber = 0
    /// Turns that ended since channels were leased.
    var endedCount = 0

    private var finding: Gathering<Hash>
    private var reading: Gathering<[ReadRequest]>
    private var confirming: Gathering<[Hash]>
    private var storing: Gathering<CrawlFindings>
    /// What is asked for each turn alone.
    private var alone: [(turn: Int, address: Hash)] = []
    private var fetching: [(turn: Int, hashes: [Hash])] = []
    /// Ways to what lists that were cut hide.
    private var completing: [(turn: Int, trail: Trail)] = []
    /// Fetches that wait for the gate.
    private var heldUp: [Int: [Hash]] = [:]
    private var gate: FloodGate
    private var storedFindings: [Int: CrawlFindings] = [:]
    private var failing: [Int] = []

    /// - Parameter ended: told what each turn came to.
    init(
        _ work: TurnWork, memory: CrawlMemory, instruments: CrawlInstruments, log: Log,
        ended: @escaping (ChainWalk.Summary) -> Void
    ) {
        self.work = work
        policy = work.policy
        self.memory = memory
        self.instruments = instruments
        self.log = log
        self.ended = ended
        finding = Gathering(
            atOnce: Self.sightingsAtOnce, weightLimit: work.source.addressesTogether)
        reading = Gathering(
            atOnce: Self.batchesAtOnce, weightLimit: Self.payloadsPerBatch,
            enough: Self.payloadsWorthReading)
        confirming = Gathering(atOnce: Self.batchesAtOnce, weightLimit: Self.tailsTogether)
        storing = Gathering(atOnce: Self.batchesAtOnce, weightLimit: Self.findingsPerCommit)
        gate = FloodGate(atOnce: policy.floodsAtOnce, few: policy.transactionsOfAnyLook)
    }

    func begin(_ assignments: [CrawlAssignment]) {
        for assignment in assignments {
            lastNumber += 1
            memory.begin(assignment.lease.channel, count: assignment.messageCount)
            let turn = Turn(assignment, policy: policy, memory: memory, clock: work.clock)
            turns[lastNumber] = turn
            take(turn.begin(), of: lastNumber)
        }
    }

    // MARK: Answers

    /// Tells the turns what came.
    ///
    /// - Throws: what repeating mends. Any other error is one channel's alone: the others go on.
    func take(_ event: Event) throws {
        switch event {
        case .sighted(let numbers, let sightings, let isAlone):
            if !isAlone { finding.ended() }
            for (number, sighting) in zip(numbers, sightings) {
                answer(number, sighting) { $0.found($1) }
            }
        case .fetched(let number, let hashes, let answer):
            self.answer(number, answer) { $0.fetched($1, asked: hashes) }
        case .completed(let number, let hashes):
            // Only another way to more: without it the look goes on with what it has.
            answer(number, .success((try? hashes.get()) ?? [])) { $0.completed($1) }
        case .read(let numbers, let results):
            reading.ended()
            for (number, results) in zip(numbers, results) {
                // That says nothing of the payload, which is to be read again.
                let answer: Result<[Result<Message, ReadError>], any Error> =
                    results.contains(where: Self.lacksMemory)
                    ? .failure(ReadError.outOfMemory) : .success(results)
                self.answer(number, answer) { $0.read($1) }
            }
        case .confirmed(let numbers, let answers):
            confirming.ended()
            for (number, confirmed) in zip(numbers, answers) {
                answer(number, confirmed) { $0.confirmed($1) }
            }
        case .stored(let numbers, let outcomes):
            storing.ended()
            for (number, outcome) in zip(numbers, outcomes) { try stored(number, outcome) }
        case .setAside(let number): end(number, hasFailed: true)
        case .checked(let checked):
            for number in checked.renewed { turns[number]?.leasedAt = checked.at }
            for number in checked.lost {
                if let turn = turns[number] { take(turn.fence(), of: number) }
            }
        case .leased(let assignments): begin(assignments)
        case .tick, .alarm: return
        }
    }

    private static func lacksMemory(_ result: Result<Message, ReadError>) -> Bool {
        if case .failure(.outOfMemory) = result { true } else { false }
    }

    private func answer<Answer>(
        _ number: Int, _ answer: Result<Answer, any Error>,
        _ step: (Turn, Answer) -> Turn.Need
    ) {
        // It may have ended meanwhile.
        guard let turn = turns[number] else { return }
        switch answer {
        case .success(let answer): take(step(turn, answer), of: number)
        case .failure(let error):
            warn(error, of: turn.channel)
            take(turn.failed(), of: number)
        }
    }

    private func warn(_ error: any Error, of channel: ChannelNumber) {
        let fields: LogFields = ["channel": .string(channel.text)]
        guard let failure = error as? any Failure else {
            return log.warning("the nodes could not be asked", fields)
        }
        log.failure(failure, "the nodes could not be asked", level: .warning, fields)
    }

    private func stored(_ number: Int, _ outcome: Result<CrawlOutcome, any Error>) throws {
        let findings = storedFindings.removeValue(forKey: number)
        guard let turn = turns[number], let findings else { return }
        switch outcome {
        case .success(let outcome): take(turn.stored(outcome, of: findings), of: number)
        case .failure(let error):
            if let failure = error as? any Failure, failure.retryable { throw error }
            let fields: LogFields = ["channel": .string(turn.channel.text)]
            if let failure = error as? any Failure {
                log.failure(failure, "a channel cannot be crawled", level: .error, fields)
            } else {
                log.error("a channel cannot be crawled", fields)
            }
            failing.append(number)
        }
    }

    // MARK: Needs

    private func take(_ need: Turn.Need, of number: Int) {
        guard let turn = turns[number] else { return }
        switch need {
        case .find(let address):
            gate.leave(number)
            if work.source.addressesTogether == 1 || work.source.isCrowded(address) {
                alone.append((number, address))
            } else {
                finding.add(address, of: number)
            }
        case .fetch(let hashes):
            if gate.admits(number, count: turn.fetchCount) {
                fetching.append((number, hashes))
            } else {
                heldUp[number] = hashes
            }
        case .complete(let trail): completing.append((number, trail))
        case .read(let requests): reading.add(requests, weight: requests.count, of: number)
        case .confirm(let tails): confirming.add(tails, weight: tails.count, of: number)
        case .store(let findings):
            gate.leave(number)
            storedFindings[number] = findings
            storing.add(findings, weight: max(1, findings.messages.count), of: number)
        case .done: end(number)
        }
    }

    private func end(_ number: Int, hasFailed: Bool = false) {
        guard let turn = turns.removeValue(forKey: number) else { return }
        finding.remove(number)
        reading.remove(number)
        confirming.remove(number)
        storing.remove(number)
        alone.removeAll { $0.turn == number }
        fetching.removeAll { $0.turn == number }
        completing.removeAll { $0.turn == number }
        heldUp[number] = nil
        storedFindings[number] = nil
        gate.leave(number)
        endedCount += 1
        var summary = turn.summary
        memory.end(
            turn.channel, count: turn.assignment.messageCount + Int64(summary.messages))
        if hasFailed { summary.failed = 1 }
        instruments.record(summary, seconds: work.clock().timeIntervalSince(turn.startedAt))
        if summary.news {
            log.info(
                "took in",
                [
                    "channel": .string(turn.channel.text),
                    "messages": .int(Int64(summary.messages)),
                    "attachments": .int(Int64(summary.attachments)),
                ])
        }
        ended(summary)
    }

    // MARK: Batches

    /// Begins whatever can begin.
    func beginBatches(in tasks: inout Tasks) {
        while let turn = gate.next() {
            if let hashes = heldUp.removeValue(forKey: turn) { fetching.append((turn, hashes)) }
        }
        for (turn, address) in alone {
            tasks.addTask { [work] in
                .sighted([turn], await work.sightings(at: [address]), isAlone: true)
            }
        }
        alone = []
        for (turn, hashes) in fetching {
            tasks.addTask { [work] in .fetched(turn, hashes, await work.transactions(hashes)) }
        }
        fetching = []
        for (turn, trail) in completing {
            tasks.addTask { [work] in .completed(turn, await work.transactions(along: trail)) }
        }
        completing = []
        while let batch = finding.next() {
            let (numbers, addresses) = (batch.map(\.asker), batch.map(\.request))
            tasks.addTask { [work] in
                .sighted(numbers, await work.sightings(at: addresses), isAlone: false)
            }
        }
        while let batch = reading.next() {
            let (numbers, payloads) = (batch.map(\.asker), batch.map(\.request))
            tasks.addTask { [work] in .read(numbers, work.read(payloads)) }
        }
        while let batch = confirming.next() {
            let (numbers, tails) = (batch.map(\.asker), batch.map(\.request))
            tasks.addTask { [work] in .confirmed(numbers, await work.confirmed(tails)) }
        }
        while let batch = storing.next() {
            let (numbers, findings) = (batch.map(\.asker), batch.map(\.request))
            tasks.addTask { [work] in .stored(numbers, await work.store(findings)) }
        }
        for number in failing { setAside(number, in: &tasks) }
        failing = []
    }

    private func setAside(_ number: Int, in tasks: inout Tasks) {
        guard let assignment = turns[number]?.assignment else { return }
        tasks.addTask { [work, policy] in
            let now = work.clock()
            try await work.archive.setAside(
                assignment.lease, filling: assignment.filling,
                reason: StallReason.failed.rawValue, now: now,
                until: now.addingTimeInterval(policy.failedWait))
            return .setAside(number)
        }
    }
}
