import Foundation
import MAM
import Ternary

/// `channels.json`: what a published client wrote.
package struct ChannelVector: Decodable, Sendable {
    package struct Message: Decodable, Sendable {
        package let root: String
        package let nextRoot: String
        package let address: Hash
        package let sideKey: String?
        package let index: UInt64
        package let text: String?
        package let trytes: Trytes?
        package let payload: Trytes
        package let transactions: [Hash]

        /// The trytes that the message may have: a text stands in UTF-8 or in Latin-1.
        package var contents: [Trytes] {
            if let trytes { return [trytes] }
            guard let text else { return [] }
            let latin1 = text.unicodeScalars.compactMap { UInt8(exactly: $0.value) }
            return [MessageText.trytes(text)]
                + (latin1.count == text.unicodeScalars.count
                    ? [MessageText.trytes(bytes: latin1)] : [])
        }

        package func request(_ payload: Trytes? = nil) throws -> ReadRequest {
            ReadRequest(
                payload: payload ?? self.payload, root: try Root(root),
                sideKey: try sideKey.map { try SideKey($0) })
        }
    }

    /// To whom new side keys are told in the chain.
    package struct Provider: Decodable, Sendable {
        package let iotaAddress: Hash
        package let seed: String
    }

    package let name: String
    package let seed: String
    package let provider: Provider?
    package let mode: ChannelMode
    package let security: Int
    package let treeCount: Int
    package let messages: [Message]
    package let conflicting: [Message]?
    package let missing: [Int]?
    package let incomplete: [Int]?

    /// Those of `messages` and `conflicting`.
    package var allMessages: [Message] { messages + (conflicting ?? []) }

    package static func all() throws -> [ChannelVector] {
        try Fixture.json("channels.json", as: [ChannelVector].self)
    }

    package static func named(_ name: String) throws -> ChannelVector {
        guard let channel = try all().first(where: { $0.name == name }) else {
            throw MissingVector(name: name)
        }
        return channel
    }
}

package struct MissingVector: Error {
    package let name: String
}

/// `forgeries.json`: what must not be read as a message.
package struct ForgeryVector: Decodable {
    package let address: Hash
    package let payload: Trytes
    package let why: String

    package static func all() throws -> [ForgeryVector] {
        try Fixture.json("forgeries.json", as: [ForgeryVector].self)
    }
}

/// The message fragments of `tangle.ndjson` by transaction hash.
package enum TangleVectors {
    private struct Line: Decodable {
        let hash: Hash
        package let trytes: Trytes
    }

    package static func fragments() throws -> [Hash: Trytes] {
        let lines = try Fixture.data("tangle.ndjson").split(separator: UInt8(ascii: "\n"))
        return Dictionary(
            try lines.map { line in
                let transaction = try JSONDecoder().decode(Line.self, from: line)
                return (transaction.hash, transaction.trytes[0..<2187])
            },
            uniquingKeysWith: { first, _ in first })
    }
}
