import Assembly
import Foundation
import Testing

@Suite struct TelegramTests {
    @Test func aTelegramReadsBack() throws {
        let zone = try #require(TimeZone(identifier: "Europe/Amsterdam"))
        let winter = Telegram(
            time: Date(timeIntervalSince1970: 1_605_135_600), energy: 2074.842, power: 0.494)
        let text = winter.text(zone: zone)
        #expect(text.hasPrefix("/ISK5\\2M550T-1012\r\n\r\n1-3:0.2.8(50)\r\n"))
        #expect(Telegram.value("0-0:1.0.0", in: text) == "201112000000W")
        #expect(Telegram.value("1-0:1.8.1", in: text) == "002074.842*kWh")
        #expect(Telegram.value("1-0:1.7.0", in: text) == "00.494*kW")
        #expect(Telegram.value("1-0:99.9.9", in: text) == nil)
        let summer = Telegram(
            time: Date(timeIntervalSince1970: 1_594_767_600), energy: 1, power: 0)
        #expect(Telegram.value("0-0:1.0.0", in: summer.text(zone: zone)) == "200715010000S")
    }

    @Test func aDamagedTelegramHasNoValues() throws {
        let zone = try #require(TimeZone(identifier: "Europe/Amsterdam"))
        let text = Telegram(time: Date(), energy: 2074.842, power: 0.494).text(zone: zone)
        #expect(Telegram.value("1-0:1.7.0", in: text) != nil)
        #expect(Telegram.value("1-0:1.7.0", in: text.replacing("00.494", with: "00.495")) == nil)
        #expect(Telegram.value("1-0:1.7.0", in: "") == nil)
    }
}
