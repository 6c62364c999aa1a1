/// Where a sealed value lies. It is bound to the value as associated data, so that a value moved
/// to another table, column, channel, period or row opens nowhere.
package struct SealingContext: Hashable, Sendable {
    /// What tells a value from the others of its column.
    package enum Row: Hashable, Sendable {
        case number(Int64)
        case bytes([UInt8])
    }

    package var table: String
    package var column: String
    package var channel: ChannelNumber
    package var period: Period
    package var row: Row

    package init(
        table: String, column: String, channel: ChannelNumber, period: Period, row: Int64
    ) {
        self.init(
            table: table, column: column, channel: channel, period: period, row: .number(row))
    }

    package init(
        table: String, column: String, channel: ChannelNumber, period: Period, row: [UInt8]
    ) {
        self.init(table: table, column: column, channel: channel, period: period, row: .bytes(row))
    }

    package init(
        table: String, column: String, channel: ChannelNumber, period: Period, row: Row
    ) {
        self.table = table
        self.column = column
        self.channel = channel
        self.period = period
        self.row = row
    }

    /// A version byte, then each field with its length (4 bytes, big-endian) before it: no two
    /// contexts have the same bytes. A row's first byte says of which kind it is.
    package var associatedData: [UInt8] {
        // Every value that is sealed or opened asks for it: without arrays for its parts.
        var data: [UInt8] = []
        data.reserveCapacity(Self.usualByteCount)
        data.append(Self.version)
        data.appendField(table.utf8)
        data.appendField(column.utf8)
        data.appendField(integer: channel.rawValue)
        data.appendField(integer: period.rawValue)
        switch row {
        case .number(let number):
            data.appendInteger(UInt32(1 + Int64.bitWidth / 8))
            data.append(1)
            data.appendInteger(number)
        case .bytes(let bytes): data.appendField([2] + bytes)
        }
        return data
    }

    private static let version: UInt8 = 1
    private static let usualByteCount = 96
}
