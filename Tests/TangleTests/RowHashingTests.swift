import Tangle
import Ternary
import TestSupport
import Testing

/// Transactions as rows of characters.
@Suite struct RowHashingTests {
    @Test func rowsHaveTheHashesOfTheirTransactions() throws {
        let recorded = try RecordedTangle()
        for count in [0, 1, 31, 32, 300] {
            let some = recorded.order.prefix(count).compactMap { recorded.transactions[$0] }
            try #require(some.count == count)
            let hashes = TransactionHashing.hashes(ofRows: some.flatMap(\.trytes.ascii))
            #expect(hashes == recorded.order.prefix(count).flatMap(\.trytes.ascii))
        }
    }

    @Test func theAlphabetIsToldFromAllOtherBytes() {
        for byte in UInt8.min...UInt8.max {
            let isTryte = TryteAlphabet.value(of: byte) != nil
            for length in [1, 7, 8, 9, 81] {
                for place in [0, length / 2, length - 1] {
                    var bytes = [UInt8](repeating: UInt8(ascii: "K"), count: length)
                    bytes[place] = byte
                    #expect(bytes.withUnsafeBytes { TryteAlphabet.contains($0) } == isTryte)
                }
            }
        }
        #expect([UInt8]().withUnsafeBytes { TryteAlphabet.contains($0) })
    }
}
