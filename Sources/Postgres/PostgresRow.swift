import Foundation

/// Which column: its name, or its index from 0. A literal of either will do.
package enum PostgresColumn: Sendable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    case name(String)
    case index(Int)

    package init(stringLiteral value: String) { self = .name(value) }
    package init(integerLiteral value: Int) { self = .index(value) }
}

/// The names and types of a result's columns, shared by its rows.
final class ColumnLayout: Sendable {
    let names: [String]
    let types: [UInt32]
    private let indexes: [String: Int]

    init(names: [String], types: [UInt32]) {
        self.names = names
        self.types = types
        indexes = Dictionary(
            names.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    }

    func index(of column: PostgresColumn) -> Int? {
        switch column {
        case .name(let name): indexes[name]
        case .index(let index): names.indices.contains(index) ? index : nil
        }
    }
}

/// One row of a result, its values still in PostgreSQL's binary format.
///
/// Every accessor throws `.decoding` for a column that is missing or of another type; those
/// not called `optional…` also for NULL. Of two columns with one name the first is meant.
package struct PostgresRow: Sendable {
    let layout: ColumnLayout
    /// All values end to end.
    let bytes: [UInt8]
    /// Where each value lies in `bytes`; nil for NULL.
    let ranges: [Range<Int>?]

    /// Bytes of all values.
    package var byteCount: Int { bytes.count }

    /// `boolean`
    package func bool(_ column: PostgresColumn) throws(PostgresError) -> Bool {
        try required(column, Bool.init(binary:))
    }
    package func optionalBool(_ column: PostgresColumn) throws(PostgresError) -> Bool? {
        try optional(column, Bool.init(binary:))
    }

    /// `smallint`
    package func int16(_ column: PostgresColumn) throws(PostgresError) -> Int16 {
        try required(column, Int16.init(binary:))
    }
    package func optionalInt16(_ column: PostgresColumn) throws(PostgresError) -> Int16? {
        try optional(column, Int16.init(binary:))
    }

    /// `integer` or narrower
    package func int32(_ column: PostgresColumn) throws(PostgresError) -> Int32 {
        try required(column, Int32.init(binary:))
    }
    package func optionalInt32(_ column: PostgresColumn) throws(PostgresError) -> Int32? {
        try optional(column, Int32.init(binary:))
    }

    /// `bigint` or narrower
    package func int64(_ column: PostgresColumn) throws(PostgresError) -> Int64 {
        try required(column, Int64.init(binary:))
    }
    package func optionalInt64(_ column: PostgresColumn) throws(PostgresError) -> Int64? {
        try optional(column, Int64.init(binary:))
    }

    /// `double precision` or `real`
    package func double(_ column: PostgresColumn) throws(PostgresError) -> Double {
        try required(column, Double.init(binary:))
    }
    package func optionalDouble(_ column: PostgresColumn) throws(PostgresError) -> Double? {
        try optional(column, Double.init(binary:))
    }

    /// `text`, `varchar`, `char`, `name`, `json` or `jsonb`
    package func text(_ column: PostgresColumn) throws(PostgresError) -> String {
        try required(column, String.init(binary:))
    }
    package func optionalText(_ column: PostgresColumn) throws(PostgresError) -> String? {
        try optional(column, String.init(binary:))
    }

    /// `bytea`
    package func bytes(_ column: PostgresColumn) throws(PostgresError) -> [UInt8] {
        try required(column, [UInt8].init(binary:))
    }
    package func optionalBytes(_ column: PostgresColumn) throws(PostgresError) -> [UInt8]? {
        try optional(column, [UInt8].init(binary:))
    }

    /// `timestamptz`; `.decoding` for its infinities
    package func timestamp(_ column: PostgresColumn) throws(PostgresError) -> Date {
        try required(column, Date.init(binary:))
    }
    package func optionalTimestamp(_ column: PostgresColumn) throws(PostgresError) -> Date? {
        try optional(column, Date.init(binary:))
    }

    /// An array of one dimension whose elements are as for the scalar accessor of the same
    /// name; nil elements are NULL.
    package func boolArray(_ column: PostgresColumn) throws(PostgresError) -> [Bool?] {
        try array(column, Bool.init(binary:))
    }
    package func int16Array(_ column: PostgresColumn) throws(PostgresError) -> [Int16?] {
        try array(column, Int16.init(binary:))
    }
    package func int32Array(_ column: PostgresColumn) throws(PostgresError) -> [Int32?] {
        try array(column, Int32.init(binary:))
    }
    package func int64Array(_ column: PostgresColumn) throws(PostgresError) -> [Int64?] {
        try array(column, Int64.init(binary:))
    }
    package func doubleArray(_ column: PostgresColumn) throws(PostgresError) -> [Double?] {
        try array(column, Double.init(binary:))
    }
    package func textArray(_ column: PostgresColumn) throws(PostgresError) -> [String?] {
        try array(column, String.init(binary:))
    }
    package func bytesArray(_ column: PostgresColumn) throws(PostgresError) -> [[UInt8]?] {
        try array(column, [UInt8].init(binary:))
    }
    package func timestampArray(_ column: PostgresColumn) throws(PostgresError) -> [Date?] {
        try array(column, Date.init(binary:))
    }

    /// Whether the column is NULL.
    package func isNull(_ column: PostgresColumn) throws(PostgresError) -> Bool {
        ranges[try index(of: column)] == nil
    }

    private func index(of column: PostgresColumn) throws(PostgresError) -> Int {
        guard let index = layout.index(of: column) else {
            switch column {
            case .name(let name): throw Self.failure(name, "there is no such column")
            case .index(let index): throw Self.failure("\(index)", "there is no such column")
            }
        }
        return index
    }

    private func optional<Value>(
        _ column: PostgresColumn, _ decode: (BinaryValue) -> Value?
    ) throws(PostgresError) -> Value? {
        let index = try index(of: column)
        guard let range = ranges[index] else { return nil }
        guard let value = decode(BinaryValue(type: layout.types[index], bytes: bytes[range])) else {
            throw Self.failure(
                layout.names[index], "type \(layout.types[index]) is not what was asked for")
        }
        return value
    }

    private func required<Value>(
        _ column: PostgresColumn, _ decode: (BinaryValue) -> Value?
    ) throws(PostgresError) -> Value {
        guard let value = try optional(column, decode) else {
            throw Self.failure(layout.names[try index(of: column)], "it is NULL")
        }
        return value
    }

    private func array<Element>(
        _ column: PostgresColumn, _ decode: (BinaryValue) -> Element?
    ) throws(PostgresError) -> [Element?] {
        try required(column) { $0.elements(decode) }
    }

    private static func failure(_ column: String, _ detail: String) -> PostgresError {
        PostgresError(.decoding, operation: "read column", subject: column, detail: detail)
    }
}
