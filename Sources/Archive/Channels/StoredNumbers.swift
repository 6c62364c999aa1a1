import Postgres
import Vault

/// How channel numbers stand in rows and parameters.
extension PostgresRow {
    package func channelNumber(_ column: PostgresColumn) throws -> ChannelNumber {
        try Self.number(int64(column))
    }

    package func optionalChannelNumber(_ column: PostgresColumn) throws -> ChannelNumber? {
        try optionalInt64(column).map(Self.number)
    }

    package func channelNumbers(_ column: PostgresColumn) throws -> [ChannelNumber] {
        try int64Array(column).compactMap { $0 }.map(Self.number)
    }

    private static func number(_ stored: Int64) throws -> ChannelNumber {
        guard let number = ChannelNumber(rawValue: stored) else {
            throw ArchiveError.notANumber
        }
        return number
    }
}

extension PostgresValue {
    static func optional(_ number: ChannelNumber?) -> PostgresValue {
        number.map { .int64($0.rawValue) } ?? .null
    }

    static func optional(_ bytes: [UInt8]?) -> PostgresValue {
        bytes.map(PostgresValue.bytes) ?? .null
    }
}
