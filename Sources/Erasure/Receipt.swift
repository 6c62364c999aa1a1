import Foundation

/// What a forget did, without personal data: no root, address, key or reason.
package struct Receipt: Sendable, Codable, Equatable {
    /// A reader of what was forgotten.
    package struct Told: Sendable, Codable, Equatable {
        package enum Way: String, Sendable, Codable {
            /// The operator's webhook took it.
            case webhook
            /// It finds an event when it asks for its own.
            case event
        }

        /// Its token's id.
        package var token: String
        package var by: Way

        package init(token: String, by: Way) {
            self.token = token
            self.by = by
        }
    }

    package var request: String
    /// `subject` or `channel`.
    package var scope: String
    package var receivedAt: Date
    /// When the last key was gone: from then on nobody could read what was forgotten.
    package var shreddedAt: Date?
    package var deletedAt: Date?
    package var finishedAt: Date
    package var channels: Int
    /// Deleted rows by table.
    package var rows: [String: Int]
    /// Roots that are neither registered nor crawled again.
    package var tombstones: Int
    /// Stored values that could not be opened any more, and so left no tombstone.
    package var unreadable: Int
    /// Rows found when looking for what should be gone; a receipt is written only at 0.
    package var remaining: Int
    /// Readers that were told; those beyond `Eraser.toldLimit` are not listed.
    package var told: [Told] = []
    package var method = """
        The data keys were removed from the key ring in such a way that they cannot be \
        derived again; then the rows were deleted.
        """
    package var notCovered = [
        "copies held by nodes of the ledger and by other readers",
        "backups of the key ring made before the request",
    ]

    package var json: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            encoder.dateEncodingStrategy = .iso8601
            return String(decoding: try encoder.encode(self), as: UTF8.self)
        }
    }
}
