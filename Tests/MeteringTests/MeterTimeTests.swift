import Foundation
import Metering
import Testing

@Suite struct MeterTimeTests {
    private func seconds(_ time: String) -> Int64? {
        read(message(Telegrams.whole(Telegrams.small(time: time)))).readings.first?.seconds
    }

    @Test func bothHoursOfTheAutumnChangeAreApart() throws {
        let first = try #require(seconds("211031023000S"))
        let second = try #require(seconds("211031023000W"))
        #expect(first == 1_635_640_200)
        #expect(second == first + 3600)
        #expect(seconds("211031015959S") == first - 1801)
        #expect(seconds("211031030000W") == second + 1800)
    }

    @Test func anHourIsMissingInSpring() throws {
        let before = try #require(seconds("210328015959W"))
        #expect(seconds("210328030000S") == before + 1)
    }

    @Test func whatIsNoTimeIsNone() {
        for time in [
            "211301000000W", "210229000000W", "210100000000W", "210101240000W", "210101006000W",
            "210101000060W", "210101000000X", "21010100000W", "2101010000000W", "", "21010100000aW",
        ] {
            let text = message(Telegrams.whole(Telegrams.small(time: time)), timestamp: "null")
            #expect(read(text).faults == [.noTime], "\(time)")
        }
        #expect(seconds("240229000000W") != nil)
    }

    /// Before version 4, gas has a time without a season.
    @Test(arguments: [
        // Told at 0:35 UTC, in the second hour after two: the later one.
        ("211031020000", 1_635_644_100, 1_635_642_000),
        // Told five minutes after the first.
        ("211031020000", 1_635_638_700, 1_635_638_400),
        ("210701120000", 1_625_133_900, 1_625_133_600),
        ("210101120000", 1_609_499_100, 1_609_498_800),
        // An hour that there is not.
        ("210328023000", 1_616_895_000, 1_616_895_000),
    ])
    func timesWithoutASeason(text: String, sentAt: Int, expected: Int) {
        let body = Telegrams.version2.replacing("(210314150000)", with: "(\(text))")
        let readings = read(message(body, timestamp: "\(sentAt)000")).readings
        #expect(readings.first?.gas?.seconds == Int64(expected))
    }

    @Test func summerIsWhereTheDatabaseHasIt() throws {
        let zone = try #require(TimeZone(identifier: "Europe/Amsterdam"))
        var compared = 0
        for seconds in stride(from: Int64(946_684_800), to: 2_200_000_000, by: 6 * 3600 + 1) {
            let date = Date(timeIntervalSince1970: Double(seconds))
            if MeterTime.isSummer(at: seconds) != zone.isDaylightSavingTime(for: date) {
                Issue.record("\(date)")
            }
            compared += 1
        }
        #expect(compared > 50_000)
        for change in [1_616_893_200, 1_635_642_000] {
            #expect(
                MeterTime.isSummer(at: Int64(change)) != MeterTime.isSummer(at: Int64(change) - 1))
        }
    }
}
