import Archive
import Foundation
import MAM
import Tangle
import Ternary
import Vault

import struct Tangle.Bundle

/// A chain that a test writes, message after message, onto a ledger in memory.
package struct WrittenChain: Sendable {
    package let root: Root
    package private(set) var writer: ChannelWriter
    private let source: MemoryTangle
    private let seed: Seed

    /// - Parameter seed: A character that makes up the seed.
    package init(_ seed: Character, on source: MemoryTangle, leaves: Int = 1) throws {
        self.source = source
        self.seed = try Seed(String(repeating: seed, count: Hash.tryteCount))
        writer = try ChannelWriter(
            seed: self.seed, mode: .private, securityLevel: 1, leavesPerTree: leaves)
        root = writer.root
    }

    /// A message as it is attached at a time.
    ///
    /// - Returns: The hashes of its transactions.
    @discardableResult
    package mutating func write(_ text: String, at time: Date) throws -> [Hash] {
        let written = try writer.write(text)
        return try attach(written.payload, to: written.address, at: time)
    }

    /// A message of the leaf that comes next, validly signed, which names a root as the next one
    /// that the chain does not go on to. For trees of one leaf.
    package func twin(_ text: String, nextRoot: Root, at time: Date) throws {
        let payload = try MessageWriter(
            root: writer.root, nextRoot: nextRoot, sideKey: nil, seed: seed,
            firstLeaf: writer.tree, securityLevel: 1
        ).payload(content: MessageText.trytes(text).trits, index: 0, siblings: [])
        try attach(payload, to: writer.address, at: time)
    }

    /// A message whose signature is another's: whoever reads the channel can make it.
    @discardableResult
    package mutating func forge(_ text: String, at time: Date) throws -> [Hash] {
        var forger = writer
        let written = try forger.write(text)
        var trytes = written.payload.ascii
        let place = trytes.count - 800
        trytes[place] = trytes[place] == TryteAlphabet.nine ? UInt8(ascii: "A") : TryteAlphabet.nine
        return try attach(Trytes(ascii: trytes), to: written.address, at: time)
    }

    @discardableResult
    private func attach(_ payload: Trytes, to address: Hash, at time: Date) throws -> [Hash] {
        let milliseconds = Int64((time.timeIntervalSince1970 * 1000).rounded())
        let built = try BundleBuilder.bundle(
            address: address, messageTrytes: payload, tag: Trytes(validated: []),
            timestamp: milliseconds / 1000)
        let bundle = try Bundle(
            Attachment.attach(
                built, trunk: .null, branch: .null, minWeightMagnitude: 0,
                attachmentTimestamp: milliseconds))
        for (transaction, hash) in zip(bundle.transactions, bundle.hashes) {
            source.add(transaction, hash: hash)
        }
        return bundle.hashes
    }
}

/// What My Home publishes on an owner's private channel.
package enum MyHome {
    package static func authorised(_ provider: Hash, _ goal: String = "Energy insights") -> String {
        #"{"type":"AUTHORIZED","policy":\#(policy(provider, goal))}"#
    }

    package static func revoked(_ provider: Hash, _ goal: String = "Energy insights") -> String {
        #"{"type":"AUTHORIZATION_REVOKED","policy":\#(policy(provider, goal))}"#
    }

    package static func added(_ device: Hash) -> String {
        #"{"type":"DEVICE_ADDED","device":{"address":"\#(device)"}}"#
    }

    package static func deleted(_ device: Hash) -> String {
        #"{"type":"DEVICE_DELETED","device":{"address":"\#(device)"}}"#
    }

    package static func policy(_ provider: Hash, _ goal: String) -> String {
        #"{"goal":"\#(goal)","serviceProvider":{"iotaAddress":"\#(provider)","url":"http://sp.example"}}"#
    }

    /// JSON that looks like an authorisation and is none.
    package static func hostile(_ provider: Hash) -> [(why: String, json: String)] {
        let type = #""type":"AUTHORIZED""#
        let policy = policy(provider, "Energy insights")
        let party = #""serviceProvider":{"iotaAddress":"\#(provider)"}"#
        let nested = String(repeating: "[", count: 5000) + String(repeating: "]", count: 5000)
        let other = String(repeating: "9", count: 81)
        return [
            ("no JSON", "AUTHORIZED \(provider)"),
            ("cut off", String(authorised(provider).dropLast())),
            ("more behind it", authorised(provider) + "}"),
            ("__proto__ as policy", #"{\#(type),"__proto__":{"policy":\#(policy)}}"#),
            ("__proto__ for policy", #"{\#(type),"__proto__":\#(policy)}"#),
            (
                "__proto__ as provider",
                #"{\#(type),"policy":{"goal":"x","__proto__":{\#(party)}}}"#
            ),
            ("constructor", #"{\#(type),"constructor":{"prototype":{"policy":\#(policy)}}}"#),
            ("the type twice", #"{\#(type),\#(type),"policy":\#(policy)}"#),
            ("the policy twice", #"{\#(type),"policy":\#(policy),"policy":\#(policy)}"#),
            ("the goal twice", #"{\#(type),"policy":{"goal":"a","goal":"b",\#(party)}}"#),
            (
                "the address twice",
                #"{\#(type),"policy":{"goal":"a","serviceProvider":{"iotaAddress":"\#(provider)","iotaAddress":"\#(other)"}}}"#
            ),
            ("another type", #"{"type":"AUTHORIZED ","policy":\#(policy)}"#),
            ("lower case", #"{"type":"authorized","policy":\#(policy)}"#),
            ("the type as a list", #"{"type":["AUTHORIZED"],"policy":\#(policy)}"#),
            ("no goal", #"{\#(type),"policy":{\#(party)}}"#),
            ("an empty goal", #"{\#(type),"policy":{"goal":"",\#(party)}}"#),
            ("a goal that is a number", #"{\#(type),"policy":{"goal":7,\#(party)}}"#),
            (
                "an enormous goal",
                #"{\#(type),"policy":{"goal":"\#(String(repeating: "x", count: 1001))",\#(party)}}"#
            ),
            ("the policy as text", #"{\#(type),"policy":"\#(provider)"}"#),
            (
                "the provider as text",
                #"{\#(type),"policy":{"goal":"x","serviceProvider":"\#(provider)"}}"#
            ),
            ("the policy in a list", #"{\#(type),"policy":[\#(policy)]}"#),
            ("within a list", "[\(authorised(provider))]"),
            ("deep nesting", #"{\#(type),"x":\#(nested),"policy":\#(policy)}"#),
            (
                "deep in itself",
                String(repeating: #"{"policy":"#, count: 30) + authorised(provider)
                    + String(repeating: "}", count: 30)
            ),
            (
                "a short address",
                authorised(provider).replacing("\(provider)", with: "\(provider)".dropLast())
            ),
            (
                "a lower-case address",
                authorised(provider).replacing("\(provider)", with: "\(provider)".lowercased())
            ),
            (
                "a wrong checksum",
                authorised(provider).replacing("\(provider)", with: "\(provider)999999999")
            ),
        ]
    }
}
