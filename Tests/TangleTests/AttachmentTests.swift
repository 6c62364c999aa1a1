import Tangle
import Ternary
import TestSupport
import Testing

@Suite struct AttachmentTests {
    let trunk: Hash
    let branch: Hash
    let built: [Transaction]

    init() throws {
        trunk = try Hash(String(repeating: "T", count: 81))
        branch = try Hash(String(repeating: "B", count: 81))
        built = try BundleBuilder.bundle(
            address: .null, messageTrytes: Trytes(String(repeating: "X", count: 5000)),
            tag: Trytes("TAG"), timestamp: 1_700_000_000)
    }

    @Test func attachesFromTheLastToTheFirst() throws {
        let attached = try Attachment.attach(
            built, trunk: trunk, branch: branch, minWeightMagnitude: 3,
            attachmentTimestamp: 1_700_000_000_123)
        #expect(attached.map(\.currentIndex) == [0, 1, 2])
        #expect(attached[2].trunk == trunk)
        #expect(attached[2].branch == branch)
        #expect(attached[1].trunk == attached[2].hash())
        #expect(attached[0].trunk == attached[1].hash())
        #expect(attached[0].branch == trunk)
        #expect(attached[1].branch == trunk)
        for transaction in attached {
            #expect(Attachment.weight(of: transaction.hash()) >= 3)
            #expect(transaction.hash().trits.suffix(3) == [0, 0, 0])
            #expect(transaction.attachmentTimestamp == 1_700_000_000_123)
            #expect(transaction.attachmentTimestampLowerBound == 0)
            #expect(transaction.attachmentTimestampUpperBound == 3_812_798_742_493)
        }
        #expect(try Bundle(attached).bundleHash == built[0].bundle)
    }

    /// The recorded bundles were attached by a real node for a real client.
    @Test func givesWhatTheRecordedNodeGaveButForTheNonce() throws {
        let recorded = try RecordedTangle()
        let bundles = recorded.tails.compactMap { tail -> Bundle? in
            guard case .complete(let bundle) = recorded.assemble(tail) else { return nil }
            return bundle.transactions.count > 1 ? bundle : nil
        }
        #expect(bundles.count > 50)
        for bundle in bundles {
            let last = try #require(bundle.transactions.last)
            let attached = try Attachment.attach(
                [last], trunk: last.trunk, branch: last.branch, minWeightMagnitude: 0,
                attachmentTimestamp: last.attachmentTimestamp)
            #expect(attached[0].trytes[0..<2646] == last.trytes[0..<2646])
            for (transaction, next) in zip(bundle.transactions, bundle.hashes.dropFirst()) {
                #expect(transaction.trunk == next)
                #expect(transaction.branch == last.trunk)
            }
        }
    }

    @Test func theSameInputGivesTheSameNonce() throws {
        let attached = try (0..<2).map { _ in
            try Attachment.attach(
                built, trunk: trunk, branch: branch, minWeightMagnitude: 4, attachmentTimestamp: 1)
        }
        #expect(attached[0] == attached[1])
    }

    @Test func withoutWeightTheFirstNonceWillDo() throws {
        let attached = try Attachment.attach(
            built, trunk: trunk, branch: branch, minWeightMagnitude: 0, attachmentTimestamp: 1)
        #expect(attached.allSatisfy { $0.nonce == Hash.null.trytes[0..<27] })
        let none = try Attachment.attach(
            [], trunk: trunk, branch: branch, minWeightMagnitude: 9, attachmentTimestamp: 1)
        #expect(none.isEmpty)
    }

    @Test func anEmptyTagBecomesTheObsoleteTag() throws {
        var fields = try TransactionFields(built[0])
        fields.tag = try Trytes("")
        fields.obsoleteTag = try Trytes("OLD")
        let attached = try Attachment.attach(
            [fields.transaction()], trunk: trunk, branch: branch, minWeightMagnitude: 0,
            attachmentTimestamp: 1)
        #expect(attached[0].tag == attached[0].obsoleteTag)
    }

    @Test func refusesWeightsAndTimesOutOfRange() throws {
        for weight in [-1, 15, Int.max, .min] {
            #expect(throws: TangleError.weightOutOfRange(weight)) {
                try Attachment.attach(
                    built, trunk: trunk, branch: branch, minWeightMagnitude: weight,
                    attachmentTimestamp: 1)
            }
        }
        #expect(throws: TangleError.numberOutOfRange(.attachmentTimestamp)) {
            try Attachment.attach(
                built, trunk: trunk, branch: branch, minWeightMagnitude: 1,
                attachmentTimestamp: .max)
        }
    }

    @Test func theSearchEndsWhenItIsCancelled() throws {
        var questions = 0
        #expect(throws: TangleError.cancelled) {
            try Attachment.attach(
                built, trunk: trunk, branch: branch, minWeightMagnitude: 14,
                attachmentTimestamp: 1
            ) { search throws(TangleError) in
                try search.run {
                    questions += 1
                    return questions == 3
                }
            }
        }
        #expect(questions == 3)
    }

    @Test(arguments: [4, 7, 10])
    func everyPartFindsANonceOfItsOwn(weight: Int) throws {
        let search = NonceSearch(trits: built[0].trytes.trits, minWeightMagnitude: weight)
        var nonces: Set<Trytes> = []
        for part in [0, 1, NonceSearch.partCount - 1] {
            let found = try search.run(part: part)
            #expect(try search.run(part: part) == found)
            var fields = try TransactionFields(built[0])
            fields.nonce = found.nonce
            let hash = try fields.transaction().hash()
            #expect(hash == found.hash)
            #expect(Attachment.weight(of: hash) >= weight)
            nonces.insert(found.nonce)
        }
        #expect(nonces.count == 3)
    }

    @Test func theWeightIsTheZerosAtTheEnd() throws {
        #expect(Attachment.weight(of: .null) == 243)
        #expect(Attachment.weight(of: try Hash(String(repeating: "M", count: 81))) == 0)
        #expect(Attachment.weight(of: try Hash(String(repeating: "M", count: 80) + "A")) == 2)
    }

    @Test func buildsMessagesUpToTheLimitOnly() throws {
        let fragment = 2187
        func count(_ trytes: Int) throws -> Int {
            try BundleBuilder.bundle(
                address: .null, messageTrytes: Trytes(String(repeating: "A", count: trytes)),
                tag: Trytes(""), timestamp: 0
            ).count
        }
        #expect(try count(0) == 1)
        #expect(try count(fragment) == 1)
        #expect(try count(fragment + 1) == 2)
        #expect(try count(1000 * fragment) == 1000)
        #expect(throws: TangleError.messageTooLong(transactions: 1001)) {
            try count(1000 * fragment + 1)
        }
        #expect(throws: TangleError.fieldTooLong(.obsoleteTag, limit: 27)) {
            try BundleBuilder.bundle(
                address: .null, messageTrytes: Trytes(""),
                tag: Trytes(String(repeating: "A", count: 28)), timestamp: 0)
        }
    }
}
