import Foundation
import QueryAPI
import Testing

@Suite struct TimestampTests {
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0.0), ("2021-03-14T15:09:26.535Z", 1_615_734_566.535),
        ("2020-02-29T23:59:59.999Z", 1_583_020_799.999), ("0000-01-01T00:00:00Z", -62_167_219_200),
        ("9999-12-31T23:59:59Z", 253_402_300_799), ("1969-12-31T23:59:59.5Z", -0.5),
        ("2021-03-14t16:09:26+01:00", 1_615_734_566), ("2021-03-14T16:09:26 01:00", 1_615_734_566),
        ("2021-03-14T13:39:26-01:30", 1_615_734_566), ("2016-12-31T23:59:60z", 1_483_228_800),
        ("2021-03-14T15:09:26.535897932Z", 1_615_734_566.535),
    ])
    func timesAreRead(text: String, seconds: Double) {
        #expect(Timestamp(text: text)?.date == Date(timeIntervalSince1970: seconds))
    }

    @Test(arguments: [
        "", "2021", "2021-03-14", "2021-03-14T15:09:26", "2021-13-01T00:00:00Z",
        "2021-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2021-04-31T00:00:00Z",
        "2021-03-14T24:00:00Z", "2021-03-14T15:60:00Z", "2021-03-14T15:09:61Z",
        "2021-03-14T15:09:26.Z", "2021-03-14T15:09:26+1:00", "2021-03-14T15:09:26+24:00",
        "2021-03-14T15:09:26Zx", "-021-03-14T15:09:26Z", "20210314T150926Z",
        "2021-03-14T15:09:26.\(String(repeating: "1", count: 60))Z", "２０21-03-14T15:09:26Z",
    ])
    func whatIsNoTimeIsRefused(text: String) {
        #expect(Timestamp(text: text) == nil)
    }

    @Test func everyDayComesBack() {
        for day in stride(from: -719_528, through: 2_932_896, by: 37) {
            let date = Date(timeIntervalSince1970: Double(day) * 86_400 + 43_200.25)
            #expect(Timestamp(text: Timestamp(date).text)?.date == date)
        }
    }

    @Test func whatCannotBeWrittenIsBounded() {
        #expect(Timestamp(.distantFuture).text == "4001-01-01T00:00:00.000Z")
        #expect(Timestamp(Date(timeIntervalSince1970: 1e18)).text == "9999-12-31T23:59:59.999Z")
        #expect(Timestamp(Date(timeIntervalSince1970: -1e18)).text == "0000-01-01T00:00:00.000Z")
        #expect(Timestamp(Date(timeIntervalSince1970: .nan)).text == "1970-01-01T00:00:00.000Z")
    }
}
