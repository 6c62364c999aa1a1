import Assembly
import Ternary
import Testing

@Suite struct FeedHintsTests {
    private static func hash(_ number: Int, _ series: Character = "A") throws -> Hash {
        let digits = String(number).map {
            Character(UnicodeScalar(($0.asciiValue ?? 48) - 48 + 65))
        }
        let text = String(series) + String(digits)
        return try Hash(text + String(repeating: "9", count: 81 - text.count))
    }

    @Test func theFirstOfAnAddressAreKeptAndSpamAfterThemNot() throws {
        let hints = FeedHints()
        let address = try Self.hash(1, "X")
        let hashes = try (0..<100).map { try Self.hash($0) }
        for hash in hashes + hashes { hints.note(hash, at: address) }
        #expect(hints.hashes(at: address) == Array(hashes.prefix(FeedHints.perAddress)))
        #expect(hints.hashes(at: try Self.hash(2, "X")).isEmpty)
    }

    @Test func whatWasHeardOfTheLongestAgoMakesRoomAndEachFeedHasItsShare() throws {
        let hints = FeedHints(feeds: 2)
        let share = FeedHints.limit / 2
        let one = try Self.hash(0)
        let addresses = try (0...share).map { try Self.hash($0, "X") }
        hints.note(one, at: addresses[1], feed: 1)
        for address in addresses.dropLast() { hints.note(one, at: address) }
        #expect(hints.hashes(at: addresses[0]) == [one])
        hints.note(one, at: addresses[share])
        #expect(hints.hashes(at: addresses[0]).isEmpty)
        for address in addresses.dropFirst() { #expect(hints.hashes(at: address) == [one]) }
        hints.note(one, at: addresses[0])
        // The other feed still says so.
        #expect(hints.hashes(at: addresses[1]) == [one])
    }
}
