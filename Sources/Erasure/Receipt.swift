import Foundation

/// What a forget did, without personal data: no root, address, key, meter or reason.
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

    /// Of this document's form.
    package var version = 1
    package var request: String
    /// `subject`, `channel`, `period` or `retention`.
    package var scope: String
    /// The first and the last month (UTC) of a period, both included.
    package var from: String?
    package var to: String?
    /// Hash of what was asked for, keyed by the requester's salt; hexadecimal.
    package var commitment: String?

    package var receivedAt: Date
    /// When the last key was gone: from then on nobody could read what was forgotten. The
    /// promise rests on this.
    package var shreddedAt: Date?
    /// When the last row was deleted.
    package var deletedAt: Date?
    /// When all was looked for.
    package var finishedAt: Date
    /// When PostgreSQL had cleared the deleted rows away; absent until then.
    package var vacuumedAt: Date?
    /// Whether nothing is left to be added: vacuumed, and every copy of the key ring punctured.
    package var final = false

    package var channels: Int
    /// Of a person's channels, how many were the data of others, too: forgotten for all of them;
    package var sharedForgotten: Int?
    /// or kept as the others' alone.
    package var sharedKept: Int?
    /// Deleted rows by table.
    package var rows: [String: Int]
    /// Roots, leaves and bundles that are not taken in again.
    package var tombstones: Int
    /// Stored values that could not be opened any more, and so left no tombstone.
    package var unreadable: Int
    /// Rows found when looking for what should be gone; a receipt is written only at 0.
    package var remaining: Int
    /// Keyed hashes of the paths in the key tree that were destroyed; hexadecimal. Who holds
    /// the key ring can tell with them which keys are meant, and nobody else.
    package var keys: [String]
    package var proof: Proof
    package var backups: Backups
    /// Configured copies of the key ring that may not be punctured yet.
    package var ringCopies: [RingCopy]
    /// Readers that were told; those beyond `Eraser.toldLimit` are not listed.
    package var told: [Told]

    package var method = """
        The data keys were removed from the key ring in such a way that they cannot be \
        derived again; then the rows were deleted, and the tables vacuumed.
        """
    package var notCovered = [
        "copies held by nodes of the ledger and by other readers",
        "copies of the key ring that this installation does not know of",
        "what a holder of the key ring knows already: with it, and with a root in hand, he can tell that it was archived once",
    ]

    /// What looking for the forgotten came to.
    package struct Proof: Sendable, Codable, Equatable {
        /// Attempts to use a key that should be gone; each must fail.
        package var derivationsTried: Int
        package var derivationsSucceeded: Int
        package var dataFiles: Search
        package var writeAheadLog: Search
    }

    /// A search for bytes that were noted before anything was deleted.
    package struct Search: Sendable, Codable, Equatable {
        package enum State: String, Sendable, Codable {
            /// It comes after the vacuum.
            case pending
            case looked
            /// Only as much as the bound allows.
            case partly
            case notLookedAt
        }

        package var state: State
        /// Why it was not looked at, or only partly.
        package var why: String?
        /// Bytes looked at.
        package var bytes: Int64?
        /// How many byte sequences were looked for, and how many of them were found: of rows
        /// that PostgreSQL has cleared away the bytes stay in a page until it is filled anew.
        package var sought: Int
        package var found: Int?

        package static let pending = Search(state: .pending, sought: 0)
    }

    /// Backups of the database made before the forget hold the ciphertext on.
    package struct Backups: Sendable, Codable, Equatable {
        /// After how many days they are gone, as configured; absent where it is not.
        package var expiryDays: Int?
        package var heldUntil: Date?
        package var note = "unreadable without the destroyed keys, which no database backup holds"
    }

    package struct RingCopy: Sendable, Codable, Equatable {
        package var name: String
        /// `behind`, `missing` and so on: why it may still hold the keys.
        package var standing: String
        /// When it is gone at the latest, as configured; absent where it is not.
        package var heldUntil: Date?
    }

    /// The bytes that are signed: sorted keys, times of RFC 3339.
    package var canonical: [UInt8] {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            encoder.dateEncodingStrategy = .iso8601
            return Array(try encoder.encode(self))
        }
    }

    package init(canonical bytes: [UInt8]) throws {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        self = try decoder.decode(Receipt.self, from: Data(bytes))
    }
}

extension Receipt {
    package init(
        request: String, scope: String, from: String?, to: String?, commitment: String?,
        receivedAt: Date, shreddedAt: Date?, deletedAt: Date?, finishedAt: Date, channels: Int,
        rows: [String: Int], tombstones: Int, unreadable: Int, remaining: Int, keys: [String],
        proof: Proof, backups: Backups, ringCopies: [RingCopy], told: [Told]
    ) {
        self.request = request
        self.scope = scope
        self.from = from
        self.to = to
        self.commitment = commitment
        self.receivedAt = receivedAt
        self.shreddedAt = shreddedAt
        self.deletedAt = deletedAt
        self.finishedAt = finishedAt
        self.channels = channels
        self.rows = rows
        self.tombstones = tombstones
        self.unreadable = unreadable
        self.remaining = remaining
        self.keys = keys
        self.proof = proof
        self.backups = backups
        self.ringCopies = ringCopies
        self.told = told
    }
}
