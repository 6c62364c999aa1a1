import MAM
import Ternary
import TestSupport
import Testing

@Suite struct TextTests {
    @Test func everyByteComesBack() {
        let bytes = Array(UInt8.min...UInt8.max)
        let trytes = MessageText.trytes(bytes: bytes)
        #expect(trytes.count == 512)
        #expect(MessageText.bytes(trytes) == bytes)
    }

    @Test(arguments: ["", "plain", "naïve €", "a\u{0}b", "\u{FEFF}mark", "👩‍🔧", "\r\n"])
    func textComesBack(text: String) throws {
        let back = try #require(MessageText.text(MessageText.trytes(text)))
        #expect(Array(back.unicodeScalars) == Array(text.unicodeScalars))
    }

    @Test func whatIsNotUTF8IsLatin1() {
        let bytes: [UInt8] = [0x63, 0x61, 0x66, 0xE9]
        #expect(MessageText.text(MessageText.trytes(bytes: bytes)) == "café")
    }

    @Test func oddTrytesAreNoText() throws {
        #expect(MessageText.text(try Trytes("A")) == nil)
        #expect(MessageText.text(try Trytes("ABC")) == nil)
    }

    @Test func pairsBeyondAByteAreNoText() throws {
        // LI is 12 + 27 * 9 = 255, MI is one more.
        #expect(MessageText.bytes(try Trytes("LI")) == [255])
        #expect(MessageText.text(try Trytes("MI")) == nil)
        #expect(MessageText.text(try Trytes("9J")) == nil)
        #expect(MessageText.text(try Trytes("ZZ")) == nil)
    }

    @Test func theChannelOfOddTextsHasSomeWithoutText() throws {
        let messages = try ChannelVector.named("odd-text").messages
        #expect(messages.contains { $0.text == nil })
        #expect(messages.contains { $0.text == "" })
    }
}
