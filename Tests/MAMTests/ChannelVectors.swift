import Foundation
import MAM
import Ternary
import TestSupport

/// `channels.json`: what a published client wrote.
struct ChannelVector: Decodable, Sendable {
    struct Message: Decodable, Sendable {
        let root: String
        let nextRoot: String
        let address: Hash
        let sideKey: String?
        let index: UInt64
        let text: String?
        let trytes: Trytes?
        let payload: Trytes
        let transactions: [Hash]

        /// The trytes that the message may have: a text stands in UTF-8 or in Latin-1.
        var contents: [Trytes] {
            if let trytes { return [trytes] }
            guard let text else { return [] }
            let latin1 = text.unicodeScalars.compactMap { UInt8(exactly: $0.value) }
            return [MessageText.trytes(text)]
                + (latin1.count == text.unicodeScalars.count
                    ? [MessageText.trytes(bytes: latin1)] : [])
        }

        func request(_ payload: Trytes? = nil) throws -> ReadRequest {
            ReadRequest(
                payload: payload ?? self.payload, root: try Root(root),
                sideKey: try sideKey.map { try SideKey($0) })
        }
    }

    let name: String
    let seed: String
    let mode: ChannelMode
    let security: Int
    let treeCount: Int
    let messages: [Message]
    let conflicting: [Message]?
    let missing: [Int]?
    let incomplete: [Int]?

    /// Those of `messages` and `conflicting`.
    var allMessages: [Message] { messages + (conflicting ?? []) }

    static func all() throws -> [ChannelVector] {
        try Fixture.json("channels.json", as: [ChannelVector].self)
    }

    static func named(_ name: String) throws -> ChannelVector {
        guard let channel = try all().first(where: { $0.name == name }) else {
            throw MissingVector(name: name)
        }
        return channel
    }
}

struct MissingVector: Error {
    let name: String
}

/// `forgeries.json`: what must not be read as a message.
struct ForgeryVector: Decodable {
    let address: Hash
    let payload: Trytes
    let why: String

    static func all() throws -> [ForgeryVector] {
        try Fixture.json("forgeries.json", as: [ForgeryVector].self)
    }
}

/// The message fragments of `tangle.ndjson` by transaction hash.
enum TangleVectors {
    private struct Line: Decodable {
        let hash: Hash
        let trytes: Trytes
    }

    static func fragments() throws -> [Hash: Trytes] {
        let lines = try Fixture.data("tangle.ndjson").split(separator: UInt8(ascii: "\n"))
        return Dictionary(
            try lines.map { line in
                let transaction = try JSONDecoder().decode(Line.self, from: line)
                return (transaction.hash, transaction.trytes[0..<2187])
            },
            uniquingKeysWith: { first, _ in first })
    }
}

/// Random numbers that come again with the same seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// From `PERMANODE_TEST_SEED`, or a new one; printed, so that a failure can be repeated.
    static func announced(_ test: String = #function) -> SeededGenerator {
        let given = ProcessInfo.processInfo.environment["PERMANODE_TEST_SEED"].flatMap(UInt64.init)
        let seed = given ?? .random(in: .min ... .max)
        print("\(test): PERMANODE_TEST_SEED=\(seed)")
        return SeededGenerator(seed: seed)
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    mutating func trytes(_ count: Int) -> Trytes {
        Trytes(
            validated: (0..<count).map { _ in
                TryteAlphabet.character(of: .random(in: 0..<27, using: &self))
            })
    }
}
