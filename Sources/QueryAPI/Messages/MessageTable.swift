import Ternary

/// Messages as records of a table.
extension MessageDocument {
    /// The names of the columns, as a record.
    package static let csvHeader = CSVRecords.line([
        "sequence", "position", "leaf", "claimedAt", "firstSeenAt", "text", "trytes", "tag",
        "bundle", "tail", "address", "securityLevel", "confirmed", "milestone", "attachments",
        "conflict",
    ])

    /// A record a message, without the names.
    package static func csv(_ documents: [MessageDocument]) -> [UInt8] {
        var records = CSVRecords()
        for document in documents { document.add(to: &records) }
        return records.bytes
    }

    private func add(to records: inout CSVRecords) {
        records.cell(sequence)
        records.cell(position)
        records.cell(leaf)
        records.cell(claimedAt)
        records.cell(firstSeenAt)
        records.cell(text ?? "")
        records.cell(ascii: trytes?.ascii ?? [])
        records.cell(ascii: tag.ascii)
        records.cell(ascii: bundle.trytes.ascii)
        records.cell(ascii: tail.trytes.ascii)
        records.cell(ascii: address.trytes.ascii)
        records.cell(securityLevel)
        records.cell(confirmed)
        records.cell(ascii: milestone.map { Array(String($0).utf8) } ?? [])
        records.cell(attachments)
        records.cell(conflict)
        records.end()
    }
}
