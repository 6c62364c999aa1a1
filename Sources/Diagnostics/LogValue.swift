/// What a log field may hold.
///
/// A closed set on purpose: a root, a side key or a token is none of these, so it
/// cannot be passed by mistake.
package enum LogValue: Sendable, Hashable {
    case string(String)
    case int(Int64)
    case double(Double)
    case bool(Bool)

    package init(_ value: String) { self = .string(value) }
    package init(_ value: Double) { self = .double(value) }
    package init(_ value: Bool) { self = .bool(value) }

    /// A number beyond `Int64` is shown as `Int64`'s nearest.
    package init(_ value: some BinaryInteger) { self = .int(Int64(clamping: value)) }

    /// A duration in seconds. Name such a field `…Seconds`.
    package init(_ value: Duration) { self = .double(value / .seconds(1)) }
}

extension LogValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int64) { self = .int(value) }
    package init(floatLiteral value: Double) { self = .double(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
}

/// Fields in the order in which they were given. Names are literals, so that nothing
/// from outside can become one; a name given twice keeps its last value.
package struct LogFields: Sendable, ExpressibleByDictionaryLiteral {
    private(set) var pairs: [(name: String, value: LogValue)]

    package init(dictionaryLiteral elements: (StaticString, LogValue)...) {
        pairs = []
        for (name, value) in elements { set(String(describing: name), value) }
    }

    /// These fields with `other`'s after them.
    package func merging(_ other: LogFields) -> LogFields {
        var merged = self
        for pair in other.pairs { merged.set(pair.name, pair.value) }
        return merged
    }

    private mutating func set(_ name: String, _ value: LogValue) {
        if let index = pairs.firstIndex(where: { $0.name == name }) {
            pairs[index].value = value
        } else {
            pairs.append((name, value))
        }
    }
}
