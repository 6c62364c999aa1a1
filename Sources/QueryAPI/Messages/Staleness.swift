import Archive
import HTTPServer

extension HTTPHeaders {
    /// How old at most what an answer tells of messages is, in seconds, rounded up to milliseconds; of
    /// a stream, what it begins with.
    mutating func tell(_ source: MessageSource?) {
        self["Permanode-Staleness"] = Self.seconds(source?.staleness ?? .zero)
    }

    private static func seconds(_ age: Duration) -> String {
        let milliseconds = Int((age / .milliseconds(1)).rounded(.up))
        let rest = String(milliseconds % 1000)
        return "\(milliseconds / 1000)." + String(repeating: "0", count: 3 - rest.count) + rest
    }
}
