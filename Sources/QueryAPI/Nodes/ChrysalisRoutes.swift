import Archive
import Foundation
import HTTPServer
import IRICommands
import Secrets
import Tangle
import Ternary

/// What MAM clients ask of the nodes of Chrysalis, over the same archive: an attachment of a
/// message is shown as the one message that such a client would have sent for it
/// (tangle, *Chrysalis*).
struct ChrysalisRoutes: Sendable {
    /// Names a list has at most, as on nodes.
    private static let listLimit = 1_000
    /// Bytes of an index; of MAM it has 32.
    private static let indexBytes = 1...64
    private static let identifierBytes = 32
    /// A legacy Tangle has no number among those networks.
    private static let network = "0"

    let archive: Archive
    let watch: ChannelWatch
    /// Nil where nodes' commands are not answered at all.
    let settings: NodeInterfaceSettings?

    var routes: [Route] {
        let all: [(String, @Sendable (Call) async throws -> HTTPResponse)] = [
            ("/api/v1/info", info), ("/api/v1/messages", list), ("/api/v1/messages/{id}", show),
        ]
        return all.flatMap { template, handler in
            [
                Route(
                    "GET", template, .anyoneOrReader, errors: .chrysalis, isLimited: true, handler),
                Route("OPTIONS", template, .anyone, errors: .chrysalis) { _ in
                    guard settings != nil else { throw RequestError.nodeInterfaceOff }
                    return NodeResponse.preflight
                },
            ]
        }
    }

    private struct Document<Content: Encodable>: Encodable {
        let data: Content
    }

    private func answer(_ content: some Encodable) -> HTTPResponse {
        .json(Document(data: content), headers: ["Access-Control-Allow-Origin": "*"])
    }

    private struct Info: Encodable {
        let name = "permanode"
        let version = "1"
        let isHealthy = true
        let networkId = ChrysalisRoutes.network
        let bech32HRP = "iota"
        let minPoWScore = 0
        let messagesPerSecond = 0
        let referencedMessagesPerSecond = 0
        let referencedRate = 0
        let latestMilestoneTimestamp = 0
        let latestMilestoneIndex = 0
        let confirmedMilestoneIndex = 0
        let pruningIndex = 0
        let features: [String] = []
    }

    @Sendable private func info(_ call: Call) async throws -> HTTPResponse {
        guard settings != nil else { throw RequestError.nodeInterfaceOff }
        return answer(Info())
    }

    private struct List: Encodable {
        let index: String
        let maxResults: Int
        let count: Int
        let messageIds: [String]
    }

    @Sendable private func list(_ call: Call) async throws -> HTTPResponse {
        guard settings != nil else { throw RequestError.nodeInterfaceOff }
        let query = try RequestQuery(call.request, known: ["index"])
        guard let text = query.text("index"), let index = try? Hex.decode(text),
            Self.indexBytes.contains(index.count)
        else {
            throw RequestError.parameter(
                "index", wanted: "an index of 1 to \(Self.indexBytes.upperBound) bytes, hexadecimal"
            )
        }
        let found = try await archive.nodeMessages(
            index: index, limit: Self.listLimit, for: call.caller?.scope)
        let names = found.value.map { Hex.encode($0) }
        return watch.watched(
            answer(
                List(
                    index: Hex.encode(index), maxResults: Self.listLimit, count: names.count,
                    messageIds: names)), found.marks, call)
    }

    private struct Message: Encodable {
        struct Payload: Encodable {
            let type = 2
            let index: String
            let data: String
        }

        let networkId = ChrysalisRoutes.network
        let parentMessageIds: [String]
        let payload: Payload
        let nonce = "0"
    }

    @Sendable private func show(_ call: Call) async throws -> HTTPResponse {
        guard settings != nil else { throw RequestError.nodeInterfaceOff }
        guard let text = call.parameters["id"], let id = try? Hex.decode(text),
            id.count == Self.identifierBytes,
            let found = try await archive.nodeMessage(id, for: call.caller?.scope),
            let tail = found.value.transactions.first, let last = found.value.transactions.last
        else { throw RequestError.noSuchMessage }
        if let caller = call.caller { try await archive.checkStillAllowed(caller) }
        let parents = last.trunk == last.branch ? [last.trunk] : [last.trunk, last.branch]
        let message = Message(
            parentMessageIds: parents.map { Hex.encode(NodeMessage.identifier(of: $0)) },
            payload: .init(
                index: Hex.encode(NodeMessage.identifier(of: tail.address)),
                data: Hex.encode(ChrysalisPayload.data(found.value.transactions))))
        return watch.watched(answer(message), found.marks, call)
    }
}

/// The bytes that MAM clients put into a message of Chrysalis (tangle, *Chrysalis*).
package enum ChrysalisPayload {
    /// One byte with the length of the packed tag, the packed tag, the packed payload.
    ///
    /// - Parameter transactions: a bundle, index 0 first. Its payload is all of its fragments: where
    ///   in the last one it ends is for its reader to know.
    package static func data(_ transactions: [Transaction]) -> [UInt8] {
        let tag = transactions.first?.tag.ascii ?? []
        let used = tag.lastIndex { $0 != TryteAlphabet.nine }.map { $0 + 1 } ?? 0
        let packedTag = pack(tag[..<used])
        let fragment = TransactionLayout.Field.signatureMessageFragment.range
        var payload: [UInt8] = []
        payload.reserveCapacity(transactions.count * fragment.count)
        for transaction in transactions { payload += transaction.trytes.ascii[fragment] }
        return [UInt8(packedTag.count)] + packedTag + pack(payload[...])
    }

    /// Five bits a tryte (its place in the alphabet), the most significant first, filled up with
    /// ones.
    package static func pack(_ trytes: ArraySlice<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity((trytes.count * 5 + 7) / 8)
        var bits = 0
        var count = 0
        for tryte in trytes {
            let place = tryte == TryteAlphabet.nine ? 0 : Int(tryte &- UInt8(ascii: "A")) + 1
            bits = bits << 5 | place
            count += 5
            while count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> count))
            }
            bits &= (1 << count) - 1
        }
        if count > 0 {
            let free = 8 - count
            bytes.append(UInt8(truncatingIfNeeded: bits << free | ((1 << free) - 1)))
        }
        return bytes
    }
}
