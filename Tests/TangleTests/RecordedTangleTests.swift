import Tangle
import Ternary
import TestSupport
import Testing

/// What a real client wrote and a real node recorded.
@Suite struct RecordedTangleTests {
    let recorded: RecordedTangle

    init() throws {
        recorded = try RecordedTangle()
        #expect(recorded.transactions.count == 371)
    }

    @Test func everyTransactionHasItsHash() {
        let (hashes, transactions) = (
            Array(recorded.transactions.keys), Array(recorded.transactions.values)
        )
        #expect(TransactionHashing.hashes(of: transactions) == hashes)
    }

    @Test func everyTransactionHasItsHashOnEveryPathOfTheKernel() {
        let (hashes, transactions) = (
            Array(recorded.transactions.keys), Array(recorded.transactions.values)
        )
        let packed = transactions.map(\.packed)
        #expect(TransactionHashing.hashes(ofPacked: packed) == hashes)
        for path in CurlPLanes.Path.allCases where path.isAvailable {
            let fromTrytes = CurlPBatch.hashes(
                of: transactions.map(\.trytes), rounds: .transaction, path: path)
            #expect(fromTrytes == hashes, "\(path)")
            let fromPacked = CurlPBatch.hashes(
                ofPacked: packed, tritCount: Transaction.tritCount, rounds: .transaction,
                path: path)
            #expect(fromPacked == hashes, "\(path), packed")
        }
    }

    @Test func everyTransactionSurvivesPackingAndItsFields() throws {
        for transaction in recorded.transactions.values {
            #expect(transaction.packed.count == Transaction.packedCount)
            #expect(try Transaction(packed: transaction.packed) == transaction)
            #expect(try TransactionFields(transaction).transaction() == transaction)
        }
    }

    @Test func everyProofOfWorkIsOneZeroTrit() {
        for hash in recorded.transactions.keys { #expect(Attachment.weight(of: hash) >= 1) }
    }

    @Test func everyTailIsABundleButTheJunkAndTheIncompleteOne() throws {
        let incomplete = try #require(
            try ChannelVector.all().first { $0.name == "incomplete-bundle" })
        let index = try #require(incomplete.incomplete?.first)
        let absent = incomplete.messages[index].transactions.filter {
            recorded.transactions[$0] == nil
        }
        #expect(absent.count == 1)
        #expect(recorded.tails.count > 100)
        var junk = 0
        for tail in recorded.tails {
            switch recorded.assemble(tail) {
            case .complete(let bundle):
                #expect(bundle.tail == tail)
                #expect(bundle.hashes == TransactionHashing.hashes(of: bundle.transactions))
            case .missing(let wanted):
                #expect(tail == incomplete.messages[index].transactions.last)
                #expect(wanted == Set(absent))
            case .invalid(let fault):
                #expect(fault == .wrongBundleHash)
                junk += 1
            }
        }
        #expect(junk == 21)
    }

    @Test func everyMessageIsTheBundleThatCarriesItsPayload() throws {
        let channels = try ChannelVector.all()
        #expect(!channels.isEmpty)
        for channel in channels {
            for (index, message) in (channel.messages + (channel.conflicting ?? [])).enumerated() {
                let tail = try #require(message.transactions.last)
                if channel.missing?.contains(index) == true {
                    #expect(recorded.assemble(tail) == .missing([tail]))
                    continue
                }
                if channel.incomplete?.contains(index) == true { continue }
                guard case .complete(let bundle) = recorded.assemble(tail) else {
                    Issue.record("message \(index) of \(channel.name) is no bundle")
                    continue
                }
                #expect(bundle.hashes == message.transactions.reversed())
                #expect(bundle.address == message.address)
                let payload = bundle.messageTrytes
                #expect(payload == message.payload.padded(to: payload.count))
            }
        }
    }

    @Test func aBundleThatIsTakenInLaterIsComplete() throws {
        let tail = try #require(
            recorded.tails.first { tail in
                guard case .complete(let bundle) = recorded.assemble(tail) else { return false }
                return bundle.transactions.count == 3
            })
        var known: [Hash: Transaction] = [:]
        for _ in 0..<3 {
            let outcome = BundleAssembly.assemble(tail: tail) { known[$0] }
            guard case .missing(let wanted) = outcome else {
                Issue.record("complete with \(known.count) of 3 transactions")
                return
            }
            #expect(wanted.count == 1)
            for hash in wanted { known[hash] = recorded.transactions[hash] }
        }
        let outcome = BundleAssembly.assemble(tail: tail) { known[$0] }
        guard case .complete(let bundle) = outcome else {
            Issue.record("not complete: \(outcome)")
            return
        }
        #expect(bundle.transactions.count == 3)
        #expect(try Bundle(bundle.transactions) == bundle)
    }
}
