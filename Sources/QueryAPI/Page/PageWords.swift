import Archive
import Crawler
import Foundation
import HTTPServer

/// How pages say what documents say in codes.
enum PageWords {
    /// A channel's state as a badge.
    static func badge(_ state: ChannelState) -> HTML {
        let (kind, text): (String, String) =
            switch state {
            case .following: ("good", "following")
            case .waitingForKey: ("warn", "waiting for key")
            case .stalled: ("warn", "stalled")
            case .flooded: ("bad", "flooded")
            case .paused: ("calm", "paused")
            case .restricted: ("calm", "restricted")
            case .forgotten: ("calm", "forgotten")
            }
        return "<span class=\"badge \(kind)\">\(text)</span>"
    }

    /// Why a channel stands as it stands; nil where there is nothing to explain.
    static func explanation(_ channel: ChannelDocument) -> String? {
        if let reason = channel.reason {
            return StallReason(rawValue: reason)?.explanation ?? reason
        }
        return switch channel.state {
        case .paused: "an operator stopped it: nothing is looked for"
        case .restricted: "processing was stopped for a person: kept, neither crawled nor read"
        case .waitingForKey: "what lies at the next address is opened by no known side key"
        default: nil
        }
    }

    /// A time in UTC, which the page's script tells in the reader's own.
    static func time(_ time: Timestamp) -> HTML {
        "<time datetime=\"\(time.text)\">\(short(time)) UTC</time>"
    }

    static func time(_ time: Timestamp?, otherwise: String) -> HTML {
        time.map { self.time($0) } ?? HTML(text: otherwise)
    }

    /// `2021-03-14 15:09`.
    private static func short(_ time: Timestamp) -> String {
        String(time.text.prefix(16)).replacing("T", with: " ")
    }

    /// Digits in groups of three: 1,234,567.
    static func count(_ number: some BinaryInteger) -> String {
        let digits = String(number.magnitude)
        var text = ""
        for (place, digit) in zip((0..<digits.count).reversed(), digits) {
            text.append(digit)
            if place > 0, place % 3 == 0 { text.append(",") }
        }
        return (number < 0 ? "-" : "") + text
    }

    /// `1 message`, `2 messages`.
    static func count(_ number: some BinaryInteger, _ noun: String, _ plural: String? = nil)
        -> String
    {
        "\(count(number)) \(number == 1 ? noun : plural ?? noun + "s")"
    }
}
