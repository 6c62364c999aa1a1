import Foundation
import HTTPServer
import Vault

/// The parameters of a query, each known and given once at most.
struct RequestQuery {
    private let query: HTTPQuery

    init(_ request: HTTPRequest, known: [String]) throws(RequestError) {
        query = request.query
        guard query.allSatisfy({ known.contains($0.name) }) else {
            throw .unknownParameter(known: known)
        }
        for name in known where query.values(name).count > 1 {
            throw .parameter(name, wanted: "given once")
        }
    }

    func text(_ name: String) -> String? { query[name] }

    func integer(_ name: String, in range: ClosedRange<Int>) throws(RequestError) -> Int? {
        guard let text = query[name] else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw .parameter(
                name, wanted: "a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// Trees from the registered root; of what lies before it, negative.
    func position(_ name: String) throws(RequestError) -> Int64? {
        guard let text = query[name] else { return nil }
        // Beyond what any chain has, but within what numbers of other programs hold exactly.
        guard let position = Int64(text), position.magnitude <= Self.positionLimit else {
            throw .parameter(name, wanted: "a number of at most 15 digits")
        }
        return position
    }

    private static let positionLimit: UInt64 = 999_999_999_999_999

    func time(_ name: String) throws(RequestError) -> Date? {
        guard let text = query[name] else { return nil }
        guard let time = Timestamp(text: text) else {
            throw .parameter(name, wanted: "a time of RFC 3339 such as 2021-03-14T15:09:26Z")
        }
        return time.date
    }

    func number(_ name: String) throws(RequestError) -> ChannelNumber? {
        guard let text = query[name] else { return nil }
        guard let number = ChannelNumber(text: text) else {
            throw .parameter(name, wanted: "an id of 10 characters")
        }
        return number
    }

    func choice<Value: CaseIterable & RawRepresentable<String>>(
        _ name: String, _: Value.Type
    ) throws(RequestError) -> Value? {
        guard let text = query[name] else { return nil }
        guard let value = Value(rawValue: text) else {
            let names = Value.allCases.map(\.rawValue).joined(separator: " or ")
            throw .parameter(name, wanted: names)
        }
        return value
    }
}
