import Foundation
import Metering
import Testing

/// What a serial port sends, in whatever pieces.
@Suite struct TelegramSplitterTests {
    private static let one = "/ISK5\\2M550T-1012\r\n\r\n1-0:1.7.0(00.193*kW)\r\n!70CE\r\n"
    private static let two = "/KMP5 ZABF\r\n\r\n1-0:1.8.1(00185.000*kWh)\r\n!\r\n"

    private func split(_ text: String, every size: Int) -> (whole: [String], dropped: Int) {
        var splitter = TelegramSplitter()
        let bytes = Array(text.utf8)
        var whole: [[UInt8]] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            whole += splitter.add(bytes[start..<min(start + size, bytes.count)])
        }
        if let last = splitter.finish() { whole.append(last) }
        return (whole.map { String(decoding: $0, as: UTF8.self) }, splitter.droppedCount)
    }

    @Test func telegramsAreFoundWhereverTheBytesArePartedAndWhateverLiesBetween() {
        let text = "noise\u{0}\r\n" + Self.one + "\r\n" + Self.two + "x/y\r\n" + Self.one
        for size in [1, 2, 3, 7, 64, 1000] {
            let found = split("\n" + text, every: size)
            #expect(found.whole == [Self.one, Self.two, Self.one])
            #expect(found.dropped == 0)
        }
    }

    @Test func whatIsCutOrTooLongIsLeftOutAndCounted() {
        let cut = String(Self.one.prefix(30))
        #expect(split(cut + "\r\n" + Self.two, every: 5) == ([Self.two], 1))
        #expect(split(cut, every: 5) == ([], 1))
        let long = "/LONG\r\n" + String(repeating: "1-0:1.7.0(00.193*kW)\r\n", count: 2000)
        #expect(split(long + "!0000\r\n" + Self.two, every: 1000) == ([Self.two], 1))
    }

    @Test func theLastLineEndMayBeMissing() {
        #expect(split(String(Self.one.dropLast(2)), every: 9).whole.count == 1)
    }

    @Test func aSlashOrAMarkWithinALineBeginsAndEndsNothing() {
        let text = "/A\r\n0-0:96.13.0(4142/!43)\r\n!\r\n"
        #expect(split(text, every: 4).whole == [text])
    }
}
