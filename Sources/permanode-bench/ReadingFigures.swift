import MAM
import Ternary

/// Reading one message: 2,000 trytes of content at security level 2, in a restricted channel.
enum ReadingFigures {
    private static let contentCount = 2000

    static func measure() throws -> [Figure] {
        let sideKey = try SideKey("BENCHKEY")
        var writer = try ChannelWriter(
            seed: Seed(String(repeating: "BENCH9", count: 13) + "ABC"), mode: .restricted,
            sideKey: sideKey)
        let content = Trytes(
            validated: (0..<contentCount).map { UInt8(ascii: "A") + UInt8($0 * 7 % 26) })
        let message = try writer.write(trytes: content)
        let request = ReadRequest(payload: message.payload, root: message.root, sideKey: sideKey)
        for verification in [Verification.alreadyVerified, .full] {
            let read = try MessageReader.read([request], verification)[0].get()
            guard read.contentTrytes == content else { throw BenchError("a message reads wrongly") }
        }
        let trits = message.payload.trits
        let head = try MessageReader.read([request], .alreadyVerified)[0].get().headTritCount
        let decrypting = Timing.seconds { _ = MessageReader.read([request], .alreadyVerified) }
        let verifying = Timing.seconds { _ = MessageReader.read([request], .full) }
        return [
            Figure(
                "decrypting a message of 2,000 trytes", decrypting * 1e6, "µs",
                comparedWith: ("absorbing its head", absorbing(trits[..<head]) * 1e6)),
            Figure(
                "decrypting and verifying it", verifying * 1e6, "µs",
                comparedWith: ("absorbing its payload", absorbing(trits[...]) * 1e6)),
        ]
    }

    /// Seconds to absorb `trits`: what unmasking cannot do without.
    private static func absorbing(_ trits: ArraySlice<Trit>) -> Double {
        Timing.seconds {
            var curl = CurlP(rounds: .mam)
            curl.absorb(trits)
        }
    }
}
