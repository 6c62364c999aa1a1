import MAM
import Ternary
import TestSupport

/// `channels.json`: what a published client wrote.
struct ChannelVector: Decodable, Sendable {
    struct Message: Decodable, Sendable {
        let root: String
        let nextRoot: String
        let address: String
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

    static func named(_ name: String) throws -> ChannelVector? {
        try all().first { $0.name == name }
    }
}
