import QueryAPI
import Testing

/// Texts in markup.
@Suite struct HTMLTests {
    @Test func aTextIsReadAsJustThat() {
        let text = "<script>alert(\"1\")</script> & 'x'"
        let html: HTML = "<p title=\"\(text)\">\(text)</p>"
        let escaped =
            "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;x&#39;"
        #expect(html.markup == "<p title=\"\(escaped)\">\(escaped)</p>")
        #expect(HTML(text: "&lt;").markup == "&amp;lt;")
    }

    @Test func markupPutTogetherStaysMarkup() {
        let items = ["a", "<b>"].map { item -> HTML in "<li>\(item)</li>" }
        let none: HTML? = nil
        let html: HTML = "<ul>\(items)\(none)</ul>\(3)"
        #expect(html.markup == "<ul><li>a</li><li>&lt;b&gt;</li></ul>3")
    }

    @Test func controlCharactersAndTurnedTextAreShown() {
        let html = HTML(text: "a\u{0}b\u{1B}[31m\u{7F}\u{9F}\u{202E}c\u{2066}d\r\ne\tf")
        #expect(html.markup == "a\u{2400}b\u{241B}[31m\u{2421}\u{FFFD}\u{FFFD}c\u{FFFD}d\ne\tf")
        let all = String(String.UnicodeScalarView((0..<0xA0).compactMap(Unicode.Scalar.init)))
        let shown = HTML(text: all).markup.unicodeScalars
        let kept = shown.filter { $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) }
        #expect(kept.map(\.value) == [9, 10])
    }

    @Test func otherScriptsAndEmojiStay() {
        let text = "Zähler 電力 مقياس 👩‍🔧"
        #expect(HTML(text: text).markup == text)
    }
}
