import Foundation
import HTTPServer
import LocalTangle
import Ternary
import TestSupport
import Testing

/// What the JavaScript MAM client and PyOTA sent to a recording node, sent again.
@Suite struct ClientReplayTests {
    @Test func answersTwoPublishedClientsAsTheyWereAnswered() async throws {
        let exchanges = try RecordedExchange.all()
        #expect(Set(exchanges.map(\.client)).count > 4)
        let node = LocalNode(ledger: try recordedLedger())
        var full = try fullTrytes()
        for (number, exchange) in exchanges.enumerated() {
            let sent = try exchange.body.expanding { try full.expand($0) }
            var headers = HTTPHeaders()
            for (name, value) in exchange.headers { headers.append(name, value) }
            let response = await node.respond(
                to: try HTTPRequest(
                    method: exchange.method, target: exchange.path, headers: headers,
                    body: Array(try JSONEncoder().encode(sent))))
            let body = Data(try await response.collectedBody())
            let answer = try JSONDecoder().decode(JSONValue.self, from: body)
            #expect(response.status == exchange.status, "exchange \(number)")
            #expect(response.headers["Content-Type"] == "application/json")
            #expect(response.headers["Access-Control-Allow-Origin"] == "*")
            compare(answer, with: exchange, number: number)
            full.remember(answer["trytes"]?.texts ?? [])
        }
    }

    /// Everything recorded must be answered alike, but for the name, the version and the
    /// milestones of the recording node, and durations.
    private func compare(_ answer: JSONValue, with exchange: RecordedExchange, number: Int) {
        guard case .object(let recorded) = exchange.answer else {
            Issue.record("exchange \(number) has no answer")
            return
        }
        for (key, value) in recorded {
            let given = answer[key]
            switch value {
            case .number, .text:
                let isOwn = exchange.body["command"] == .text("getNodeInfo") || key == "duration"
                #expect(isOwn ? given != nil : given == value, "exchange \(number), \(key)")
            case .array(let elements):
                guard case .array(let others) = given else {
                    Issue.record("exchange \(number) lacks \(key)")
                    continue
                }
                #expect(
                    elements.count == others.count
                        && zip(elements, others).allSatisfy { $0.matches($1) },
                    "exchange \(number), \(key)")
            default: Issue.record("exchange \(number), \(key) is of no expected type")
            }
        }
    }

    /// Trytes by their first 20 characters, which is where the recording cuts them.
    private func fullTrytes() throws -> FullTrytes {
        struct Line: Decodable { let trytes: String }
        var full = FullTrytes()
        for line in try Fixture.data("tangle.ndjson").split(separator: UInt8(ascii: "\n")) {
            full.remember([try JSONDecoder().decode(Line.self, from: line).trytes])
        }
        return full
    }
}

private struct FullTrytes {
    private var byBeginning: [String: String] = [:]

    mutating func remember(_ trytes: [String]) {
        for text in trytes { byBeginning[String(text.prefix(20))] = text }
    }

    mutating func expand(_ text: String) throws -> String {
        guard let beginning = text.recordedBeginning else { return text }
        if let known = byBeginning[beginning] { return known }
        // A transaction that was never seen whole: two of one bundle, the last index first.
        let isTail = beginning.hasPrefix("AQB9")
        let fields =
            String(repeating: "9", count: 2_331 - beginning.count)
            + (isTail ? "999999999" : "A99999999") + "A99999999"
        return (beginning + fields).padding(toLength: 2_673, withPad: "9", startingAt: 0)
    }
}

extension String {
    /// The trytes before the mark where the recording cut them short; nil where it did not.
    fileprivate var recordedBeginning: String? {
        guard hasSuffix("…(2673 trytes)") else { return nil }
        return String(prefix { $0 != "…" })
    }
}

extension JSONValue {
    fileprivate func expanding(_ change: (String) throws -> String) rethrows -> JSONValue {
        switch self {
        case .text(let text): .text(try change(text))
        case .array(let elements): .array(try elements.map { try $0.expanding(change) })
        case .object(let members): .object(try members.mapValues { try $0.expanding(change) })
        default: self
        }
    }

    /// Whether `other` is what was recorded here, perhaps cut short.
    fileprivate func matches(_ other: JSONValue) -> Bool {
        guard let beginning = text?.recordedBeginning else { return self == other }
        guard let text = other.text else { return false }
        return text.count == 2_673 && text.hasPrefix(beginning)
    }
}
