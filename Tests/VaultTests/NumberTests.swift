import Foundation
import Testing
import Vault

@Suite struct NumberTests {
    @Test func channelNumbersComeBackFromTheirText() throws {
        let values: [Int64] = [0, 1, 31, 32, 0x1234_5678_9ABC, (1 << 48) - 1]
        for value in values + (0..<200).map({ _ in ChannelNumber.random().rawValue }) {
            let number = try #require(ChannelNumber(rawValue: value))
            #expect(number.text.utf8.count == 10)
            #expect(
                number.text.utf8.allSatisfy { "0123456789abcdefghjkmnpqrstvwxyz".utf8.contains($0) }
            )
            #expect(ChannelNumber(text: number.text) == number)
        }
        #expect(ChannelNumber(rawValue: 32)?.text == "0000000010")
        #expect(ChannelNumber(rawValue: (1 << 48) - 1)?.text == "7zzzzzzzzz")
    }

    @Test(arguments: [
        "", "000000000", "00000000000", "8000000000", "zzzzzzzzzz", "000000000U", "000000000A",
        "00000000l0", "00000000é", "-000000001",
    ])
    func otherTextIsNoChannelNumber(_ text: String) {
        #expect(ChannelNumber(text: text) == nil)
    }

    @Test func otherIntegersAreNoChannelNumbers() {
        for value in [-1, 1 << 48, Int64.min, .max] {
            #expect(ChannelNumber(rawValue: value) == nil)
        }
    }

    @Test func randomChannelNumbersUseAllBits() {
        let numbers = (0..<200).map { _ in ChannelNumber.random().rawValue }
        #expect(Set(numbers).count == numbers.count)
        #expect(numbers.reduce(0, |) == (1 << 48) - 1)
        #expect(numbers.reduce((1 << 48) - 1, &) == 0)
    }

    /// Every day of 600 years, against Foundation's calendar.
    @Test func periodsAreCalendarMonths() throws {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = try #require(TimeZone(identifier: "UTC"))
        for day in stride(from: 0, to: 600 * 366, by: 1) where day % 7 == 0 || day < 3_000 {
            let date = Date(timeIntervalSince1970: Double(day) * 86_400)
            let parts = calendar.dateComponents([.year, .month], from: date)
            let expected = (try #require(parts.year) - 1_970) * 12 + (try #require(parts.month) - 1)
            #expect(Int(Period(date).rawValue) == expected)
        }
    }

    @Test func periodsEndWithTheMonth() throws {
        let february2021: Int64 = 1_612_137_600
        #expect(Period(secondsSince1970: february2021).description == "2021-02")
        #expect(Period(secondsSince1970: february2021 - 1).description == "2021-01")
        #expect(Period(secondsSince1970: february2021).rawValue == 51 * 12 + 1)
    }

    @Test func foreignTimesHaveAPeriodToo() {
        let last = Period(rawValue: .max - 1)
        for seconds in [Int64.min, -1, 0] {
            #expect(Period(secondsSince1970: seconds) == Period(rawValue: 0))
        }
        #expect(Period(secondsSince1970: .max) == last)
        #expect(last != .channel)
        #expect(Period(Date(timeIntervalSince1970: .infinity)) == last)
        #expect(Period(Date(timeIntervalSince1970: -.infinity)) == Period(rawValue: 0))
        #expect(Period(Date(timeIntervalSince1970: .nan)) == Period(rawValue: 0))
        #expect(Period(Date(timeIntervalSince1970: 1e300)) == last)
        #expect(Period.channel.description == "channel")
    }

    @Test func contextsNeverShareTheirBytes() throws {
        let channel = try #require(ChannelNumber(rawValue: 1))
        let period = Period(rawValue: 2)
        func context(_ table: String, _ column: String, _ row: SealingContext.Row) -> SealingContext
        {
            SealingContext(table: table, column: column, channel: channel, period: period, row: row)
        }
        var contexts = [
            context("ab", "c", .number(1)), context("a", "bc", .number(1)),
            context("abc", "", .number(1)), context("", "abc", .number(1)),
            context("ab", "c", .number(2)), context("ab", "c", .bytes([0, 0, 0, 0, 0, 0, 0, 1])),
            context("ab", "c", .bytes([])), context("ab", "c", .bytes([0])),
            context("ab", "c\0", .number(1)),
        ]
        var other = contexts[0]
        other.channel = try #require(ChannelNumber(rawValue: 2))
        contexts.append(other)
        other = contexts[0]
        other.period = .channel
        contexts.append(other)
        #expect(Set(contexts.map(\.associatedData)).count == contexts.count)
    }

    @Test func pathsAreCheckedWhenTheyComeFromOutside() throws {
        #expect(TreePath(checking: 1, depth: 63) == nil)
        #expect(TreePath(checking: 1 << 63, depth: 0) == nil)
        #expect(TreePath(checking: 0, depth: 65) == nil)
        #expect(TreePath(checking: 0, depth: -1) == nil)
        #expect(TreePath(checking: 1, depth: 64)?.bits == 1)
        #expect(TreePath(checking: 0, depth: 0) == .root)
    }
}
