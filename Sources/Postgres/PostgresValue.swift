import Foundation

/// A parameter of a statement; it travels in PostgreSQL's binary format, typed as named here.
///
/// Array elements may be nil (NULL); an array without optionals converts by itself.
package enum PostgresValue: Sendable, Equatable {
    /// NULL of a type that the server infers.
    case null
    /// `boolean`
    case bool(Bool)
    /// `smallint`
    case int16(Int16)
    /// `integer`
    case int32(Int32)
    /// `bigint`
    case int64(Int64)
    /// `double precision`
    case double(Double)
    /// `text`; PostgreSQL holds no NUL characters.
    case text(String)
    /// `bytea`
    case bytes([UInt8])
    /// `timestamptz`, rounded to microseconds; 4713 BC to 294276 AD.
    case timestamp(Date)
    /// `jsonb`, given as its text
    case json(String)
    /// `boolean[]`
    case boolArray([Bool?])
    /// `smallint[]`
    case int16Array([Int16?])
    /// `integer[]`
    case int32Array([Int32?])
    /// `bigint[]`
    case int64Array([Int64?])
    /// `double precision[]`
    case doubleArray([Double?])
    /// `text[]`
    case textArray([String?])
    /// `bytea[]`
    case bytesArray([[UInt8]?])
    /// `timestamptz[]`
    case timestampArray([Date?])
}

/// Type OIDs of `pg_type`, which PostgreSQL never changes.
enum TypeOID {
    static let bool: UInt32 = 16
    static let bytea: UInt32 = 17
    static let name: UInt32 = 19
    static let int8: UInt32 = 20
    static let int2: UInt32 = 21
    static let int4: UInt32 = 23
    static let text: UInt32 = 25
    static let oid: UInt32 = 26
    static let json: UInt32 = 114
    static let float4: UInt32 = 700
    static let float8: UInt32 = 701
    static let bpchar: UInt32 = 1042
    static let varchar: UInt32 = 1043
    static let timestamptz: UInt32 = 1184
    static let jsonb: UInt32 = 3802

    static let boolArray: UInt32 = 1000
    static let byteaArray: UInt32 = 1001
    static let int2Array: UInt32 = 1005
    static let int4Array: UInt32 = 1007
    static let textArray: UInt32 = 1009
    static let int8Array: UInt32 = 1016
    static let float8Array: UInt32 = 1022
    static let timestamptzArray: UInt32 = 1185
}

/// PostgreSQL's clock: microseconds since 2000-01-01 00:00 UTC.
enum PostgresEpoch {
    /// 2000-01-01 in seconds since 2001-01-01, Foundation's reference date (2000 was a leap year).
    static let secondsSinceReference = -366.0 * 86_400
    /// 4713-11-24 BC and 294277-01-01 AD (exclusive) in microseconds, from PostgreSQL's
    /// `datatype/timestamp.h`.
    static let range: Range<Int64> = -211_813_488_000_000_000..<9_223_371_331_200_000_000

    /// nil outside of what `timestamptz` holds.
    static func microseconds(_ date: Date) -> Int64? {
        let seconds = date.timeIntervalSinceReferenceDate - secondsSinceReference
        guard let value = Int64(exactly: (seconds * 1_000_000).rounded()), range.contains(value)
        else { return nil }
        return value
    }

    /// nil for `infinity` and `-infinity`, which no date stands for.
    static func date(_ microseconds: Int64) -> Date? {
        guard range.contains(microseconds) else { return nil }
        return Date(
            timeIntervalSinceReferenceDate: Double(microseconds) / 1_000_000
                + secondsSinceReference)
    }
}
