import Tangle
import Ternary
import Testing

@Suite struct TransactionTests {
    typealias Layout = TransactionLayout

    func trytes(_ character: Character, _ count: Int) throws -> Trytes {
        try Trytes(String(repeating: character, count: count))
    }

    @Test func theFieldsFillTheTransactionWithoutGaps() {
        var end = 0
        for field in Layout.Field.allCases {
            #expect(field.range.lowerBound == end)
            end = field.range.upperBound
        }
        #expect(end == Transaction.tryteCount)
        #expect(Layout.essence.lowerBound == Layout.Field.address.range.lowerBound)
        #expect(Layout.essence.upperBound == Layout.Field.bundle.range.lowerBound)
    }

    @Test func givesBackEveryFieldThatWasSet() throws {
        var fields = TransactionFields()
        fields.signatureMessageFragment = try trytes("A", 2187)
        fields.address = try Hash(trytes: trytes("B", 81))
        fields.value = -2_779_530_283_277_761
        fields.obsoleteTag = try trytes("C", 27)
        fields.timestamp = 1_795_404_415
        fields.currentIndex = -3
        fields.lastIndex = 3_812_798_742_493
        fields.bundle = try Hash(trytes: trytes("D", 81))
        fields.trunk = try Hash(trytes: trytes("E", 81))
        fields.branch = try Hash(trytes: trytes("F", 81))
        fields.tag = try trytes("G", 27)
        fields.attachmentTimestamp = 1_795_404_415_123
        fields.attachmentTimestampLowerBound = -3_812_798_742_493
        fields.attachmentTimestampUpperBound = 3_812_798_742_493
        fields.nonce = try trytes("H", 27)
        let transaction = try fields.transaction()
        #expect(try TransactionFields(transaction) == fields)
        #expect(transaction.value == fields.value)
        #expect(transaction.currentIndex == -3)
        #expect(transaction.lastIndex == 3_812_798_742_493)
        #expect(transaction.attachmentTimestampUpperBound == 3_812_798_742_493)
    }

    @Test func refusesWhatDoesNotFitItsField() throws {
        var fields = TransactionFields()
        fields.tag = try trytes("A", 28)
        #expect(throws: TangleError.fieldTooLong(.tag, limit: 27)) { try fields.transaction() }
        fields = TransactionFields()
        fields.value = 2_779_530_283_277_762
        #expect(throws: TangleError.numberOutOfRange(.value)) { try fields.transaction() }
        fields = TransactionFields()
        for timestamp in [3_812_798_742_494, Int64.min, .max] {
            fields.timestamp = timestamp
            #expect(throws: TangleError.numberOutOfRange(.timestamp)) { try fields.transaction() }
        }
    }

    @Test func aValueOfMoreThan33TritsIsNoValue() throws {
        var ascii = try TransactionFields().transaction().trytes.ascii
        for place in 11..<27 {
            var changed = ascii
            changed[Layout.Field.value.range.lowerBound + place] = UInt8(ascii: "A")
            let transaction = try Transaction(trytes: Trytes(validated: changed))
            #expect(transaction.value == nil)
            #expect(throws: TangleError.numberOutOfRange(.value)) {
                try TransactionFields(transaction)
            }
        }
        ascii[Layout.Field.value.range.lowerBound + 10] = UInt8(ascii: "N")
        #expect(
            try Transaction(trytes: Trytes(validated: ascii)).value == -13 * 205_891_132_094_649)
    }

    @Test func everyTryteInEveryPlaceCanBeRead() throws {
        for character in "9ABCDEFGHIJKLMNOPQRSTUVWXYZ" {
            let transaction = try Transaction(trytes: trytes(character, Transaction.tryteCount))
            #expect(try Transaction(packed: transaction.packed) == transaction)
            #expect((transaction.value == nil) == (character != "9"))
            #expect(abs(transaction.lastIndex) <= 3_812_798_742_493)
            #expect(transaction.bundle == (try Hash(trytes: trytes(character, 81))))
        }
    }

    @Test(arguments: [0, 1, 2672, 2674, 5346])
    func refusesOtherLengths(count: Int) {
        #expect(throws: TangleError.wrongLength(expected: 2673, actual: count)) {
            try Transaction(trytes: trytes("9", count))
        }
    }

    @Test func refusesBytesThatAreNoTransaction() throws {
        for count in [0, 1603, 1605] {
            #expect(throws: TangleError.wrongLength(expected: 1604, actual: count)) {
                try Transaction(packed: [UInt8](repeating: 0, count: count))
            }
        }
        var packed = [UInt8](repeating: 0, count: Transaction.packedCount)
        packed[700] = 122
        #expect(throws: TangleError.unreadable(.notFiveTrits(offset: 700))) {
            try Transaction(packed: packed)
        }
        packed[700] = 121
        packed[1603] = 81
        #expect(throws: TangleError.unreadable(.excessTrits)) { try Transaction(packed: packed) }
        packed[1603] = 40
        #expect(try Transaction(packed: packed).packed == packed)
    }
}
