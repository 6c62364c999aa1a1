import MAM
import Ternary

/// Reading messages of 2,000 trytes at security level 2, in a restricted channel, on one core.
enum ReadingFigures {
    /// Of the same length, as those of a meter mostly are.
    private static let count = 512
    private static let different = 64
    private static let text = String(
        String(repeating: "1-0:1.8.1(002074.842*kWh)\r\n", count: 40).prefix(1000))

    static func measure() throws -> [Figure] {
        let sideKey = try SideKey("BENCHKEY")
        var writer = try ChannelWriter(
            seed: Seed(String(repeating: "BENCH9", count: 13) + "ABC"), mode: .restricted,
            sideKey: sideKey)
        let messages = try (0..<different).map { _ in try writer.write(text) }
        let whole = try messages.map { try packed($0, sideKey, tritCount: $0.payload.count * 3) }
        let heads = try messages.map {
            try packed(
                $0, sideKey, tritCount: try PayloadLayout.parse($0.payload).headTritCount)
        }
        guard let message = messages.first else { throw BenchError("there is no message") }
        let request = ReadRequest(payload: message.payload, root: message.root, sideKey: sideKey)
        let trits = message.payload.trits
        let head = try PayloadLayout.parse(message.payload).headTritCount
        return try [
            Figure(
                "decrypting messages, packed bytes to text", rate(heads, .alreadyVerified),
                "messages/s",
                comparedWith: ("absorbing a head, truth table", 1 / absorbing(trits[..<head]))),
            Figure(
                "decrypting and verifying them", rate(whole, .full), "messages/s",
                comparedWith: ("absorbing a payload, truth table", 1 / absorbing(trits[...]))),
            Figure(
                "decrypting one message alone", seconds(request, .alreadyVerified) * 1e6, "µs",
                comparedWith: ("absorbing its head, truth table", absorbing(trits[..<head]) * 1e6)),
            Figure(
                "decrypting and verifying it", seconds(request, .full) * 1e6, "µs",
                comparedWith: ("absorbing its payload, truth table", absorbing(trits[...]) * 1e6)),
        ]
    }

    private static func packed(
        _ message: WrittenMessage, _ sideKey: SideKey, tritCount: Int
    ) throws -> ReadRequest {
        try ReadRequest(
            packed: T5B1.pack(message.payload.trits.prefix(tritCount)), tritCount: tritCount,
            root: message.root, sideKey: sideKey)
    }

    /// Messages a second, many at once.
    private static func rate(
        _ requests: [ReadRequest], _ verification: Verification
    ) throws -> Double {
        let many = (0..<count).map { requests[$0 % requests.count] }
        let seconds = try Timing.seconds(rounds: 60) {
            for result in MessageReader.read(many, verification) {
                guard try result.get().text == text else {
                    throw BenchError("a message reads wrongly")
                }
            }
        }
        return Double(count) / seconds
    }

    private static func seconds(_ request: ReadRequest, _ verification: Verification) -> Double {
        Timing.seconds { _ = MessageReader.read([request], verification) }
    }

    /// Seconds to absorb `trits` as the definition says: what reading cannot do without.
    private static func absorbing(_ trits: ArraySlice<Trit>) -> Double {
        let trits = Array(trits)
        return Timing.seconds(rounds: 10) {
            var curl = TruthTableCurl(rounds: .mam)
            curl.absorb(trits)
        }
    }
}
