import Foundation
import HTTPServer
import LocalTangle
import Tangle
import Ternary
import TestSupport
import Testing

/// The file `tangle.ndjson`, which is streamed.
let recordedTangle = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Vectors/tangle.ndjson").path

/// The ledger with all of `tangle.ndjson`.
func recordedLedger() throws -> Ledger {
    let ledger = Ledger()
    let report = try LedgerLoader.load(path: recordedTangle, into: ledger)
    try #require(report.accepted > 300)
    try #require(report.rejected == 0)
    return ledger
}

extension LocalNode {
    /// Sends a request as a client on this machine does, and reads the JSON of the answer.
    func send(
        _ json: String, headers: HTTPHeaders = ["X-IOTA-API-Version": "1"],
        remoteAddress: String = "127.0.0.1"
    ) async throws -> (status: Int, body: JSONValue) {
        let response = await respond(
            to: try HTTPRequest(
                method: "POST", target: "/", headers: headers, body: Array(json.utf8),
                remoteAddress: remoteAddress))
        let body = Data(try await response.collectedBody())
        return (response.status, try JSONDecoder().decode(JSONValue.self, from: body))
    }

    /// The same for a command whose parameters are lists of strings.
    func send(_ command: String, _ lists: [String: [String]]) async throws
        -> (status: Int, body: JSONValue)
    {
        var body = lists.mapValues { JSONValue.array($0.map(JSONValue.text)) }
        body["command"] = .text(command)
        return try await send(String(decoding: JSONEncoder().encode(body), as: UTF8.self))
    }
}

/// An address of its own for every letter.
func address(_ letter: Character) throws -> Hash {
    try Hash(String(repeating: letter, count: Hash.tryteCount))
}

func tag(_ text: String) throws -> Trytes {
    try Trytes(text).padded(to: TransactionLayout.Field.tag.range.count)
}

/// An attached bundle of `fragments` transactions, index order.
func bundle(
    at address: Hash, tag: Trytes, fragments: Int = 1, weight: Int = 1
) throws -> [Transaction] {
    let message = try Trytes(String(repeating: "M", count: 2_187 * fragments))
    return try Attachment.attach(
        BundleBuilder.bundle(
            address: address, messageTrytes: message, tag: tag, timestamp: 1_600_000_000),
        trunk: .null, branch: .null, minWeightMagnitude: weight,
        attachmentTimestamp: 1_600_000_000_000)
}
