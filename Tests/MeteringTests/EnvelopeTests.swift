import Metering
import Testing

/// JSON around telegrams, some of it made to break readers.
@Suite struct EnvelopeTests {
    private let whole = Telegrams.whole(Telegrams.version5)

    @Test func otherMessagesAreOther() {
        for text in [
            #"{"type":"KEY_ROTATION","ABC":"DEF"}"#, "{}", #"{"type":"DATA"}"#,
            #"{"raw":"/"}"#, #"{"type":7,"raw":"/"}"#, #"{"type":"DATA","raw":{"raw":"/"}}"#,
            message(whole, type: "DATA "), message(whole, type: "data"),
        ] {
            #expect(read(text).faults == [.otherMessage], "\(text.prefix(40))")
        }
    }

    @Test func whatIsNoJSON() {
        for text in [
            "", " ", "visible message 0", "[]", "\"text\"", "{", "{\"type\":\"DATA\",", "{\"a\" 1}",
            "{\"a\":}", "{\"a\":1,}", message(whole) + "x", "{\"a\":[1}", "{\"a\":{\"b\":1]}",
            "{\"a\":\"\n\"}", "\u{0}", "{\"a\":\"\\",
        ] {
            #expect(read(text).faults == [.notJSON], "\(text.prefix(40))")
        }
        #expect(read([0xFF, 0xFE, 0x00]).faults == [.notJSON])
    }

    @Test func membersStandInAnyOrderAndAmongOthers() {
        let escaped = whole.replacing("\\", with: "\\\\").replacing("\r\n", with: "\\r\\n")
        for text in [
            "{ \"timestamp\" : 1 , \"raw\" : \"\(escaped)\" , \"type\" : \"DATA\" } \n",
            "{\"x\":[[],{},[1,{\"raw\":\"y\"}]],\"raw\":\"\(escaped)\",\"n\":-1.5e3,\"type\":\"DATA\"}",
            "{\"t\\u0079pe\":\"\\u0044ATA\",\"r\\u0061w\":\"\(escaped)\",\"a\":null,\"b\":true}",
        ] {
            #expect(read(text).readings.count == 1, "\(text.prefix(60))")
            #expect(read(text).faults.isEmpty)
        }
    }

    @Test func everyCharacterMayBeEscaped() {
        let escaped = whole.utf8.map { byte in
            let digits = String(byte, radix: 16)
            return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }.joined()
        #expect(read("{\"type\":\"DATA\",\"raw\":\"\(escaped)\"}").readings.count == 1)
    }

    /// A reader that takes the first and one that takes the last would tell different things.
    @Test func membersThatStandTwiceAreRefused() {
        let first = message(whole).dropLast()
        for member in [
            #""raw":"/""#, #""type":"DATA""#, #""timestamp":1"#, #""\u0072aw":"x""#,
            #""type":"KEY_ROTATION""#, #""timestamp":"x""#,
        ] {
            #expect(read("\(first),\(member)}").faults == [.ambiguous], "\(member)")
        }
        #expect(read("\(first),\"x\":1,\"x\":2}").readings.count == 1)
    }

    @Test func halvesOfSurrogatePairsAreRefused() {
        for half in [
            "\\ud800", "\\udc00", "\\ud800\\ud800", "\\ud800x", "\\ud83d\\", "\\ud83d\\u",
            "\\ud83d\\u00", "\\uXYZW", "\\x", "\\u12",
        ] {
            let text = "{\"type\":\"DATA\",\"raw\":\"\(half)\"}"
            #expect(read(text).faults == [.notJSON], "\(half)")
        }
        let whole = "{\"type\":\"DATA\",\"raw\":\"\\ud83d\\ude00\"}"
        #expect(read(whole).faults == [.cut])
    }

    @Test func nestingIsBounded() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            for depth in [1, 2, 63, 64] {
                let bomb =
                    String(repeating: open, count: depth) + "1"
                    + String(repeating: close, count: depth)
                let text = message(whole).dropLast() + ",\"x\":\(bomb)}"
                #expect(read(String(text)).readings.count == 1, "\(depth)")
            }
            for depth in [65, 1000, 10_000] {
                let text = "{\"x\":" + String(repeating: open, count: depth)
                #expect(read(text).faults == [.tooDeep], "\(depth)")
            }
        }
    }

    @Test func lengthIsBounded() {
        let text = message(whole).dropLast() + ",\"x\":\""
        let room = MeterMessageReader.lengthLimit - text.utf8.count - 2
        let longest = text + String(repeating: "y", count: room) + "\"}"
        #expect(read(String(longest)).readings.count == 1)
        let tooLong = text + String(repeating: "y", count: room + 1) + "\"}"
        #expect(read(String(tooLong)).faults == [.tooLong])
        #expect(read(Array(repeating: UInt8(ascii: "["), count: 1 << 20)).faults == [.tooLong])
    }

    @Test func timesOfMessages() {
        for (text, seconds) in [
            ("1615730966999", 1_615_730_966), ("1615730966999.75", 1_615_730_966),
            ("946684800000", 946_684_800),
        ] {
            let readings = read(message(Telegrams.version2, timestamp: text)).readings
            #expect(readings.first?.seconds == Int64(seconds), "\(text)")
        }
        for text in [
            "-1615730966999", "\"1615730966999\"", "1e12", "{}", "99999999999999999999",
            "946684799999", "4102444800000", "true", "-",
        ] {
            let faults = read(message(Telegrams.version2, timestamp: text)).faults
            #expect(faults == [.noTime], "\(text)")
        }
    }
}
