/// Where a node publishes what it hears of: `tcp://host:5556`.
package struct FeedEndpoint: Sendable, Hashable, CustomStringConvertible {
    /// Characters; longer ones are refused.
    private static let maximumLength = 512

    package let description: String

    /// - Throws: `FeedError.invalidEndpoint` for anything but TCP with a host and a port: libzmq
    ///   would open files and sockets of this machine as well.
    package init(_ text: String) throws(FeedError) {
        let scheme = "tcp://"
        guard text.utf8.count <= Self.maximumLength, text.hasPrefix(scheme) else {
            throw .invalidEndpoint
        }
        let place = text.dropFirst(scheme.count)
        guard let colon = place.lastIndex(of: ":"), colon != place.startIndex,
            let port = Self.port(place[place.index(after: colon)...]), port > 0,
            place[..<colon].utf8.allSatisfy(Self.isOfHost)
        else { throw .invalidEndpoint }
        description = text
    }

    /// Digits alone: libzmq reads no sign.
    private static func port(_ text: Substring) -> UInt16? {
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        return text.utf8.allSatisfy(digits.contains) ? UInt16(text) : nil
    }

    private static func isOfHost(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: ":"):
            true
        default: false
        }
    }
}
