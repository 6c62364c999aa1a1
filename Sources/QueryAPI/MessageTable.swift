import Ternary

/// Messages as records of a table.
extension MessageDocument {
    package static let columns = [
        "sequence", "position", "leaf", "claimedAt", "firstSeenAt", "text", "trytes", "tag",
        "bundle", "tail", "address", "securityLevel", "confirmed", "milestone", "attachments",
        "conflict",
    ]

    /// In the order of `columns`; empty where there is none.
    package var values: [String] {
        [
            String(sequence), String(position), String(leaf), claimedAt?.text ?? "",
            firstSeenAt.text, text ?? "", trytes?.description ?? "", tag.description,
            bundle.description, tail.description, address.description, String(securityLevel),
            String(confirmed), milestone.map { String($0) } ?? "", String(attachments),
            String(conflict),
        ]
    }
}
