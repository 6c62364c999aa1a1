/// What was found to differ between the database and the forget log, and was mended.
package struct ReconciliationReport: Sendable, Equatable, Codable {
    /// The log (and then perhaps the ring, too) was an older copy: it lacked what the database
    /// came of.
    package var logWasOlder = false
    /// Channels and subjects that the database had forgotten and the ring could derive keys of.
    package var keysDestroyed = 0
    /// Tombstones that the log lacked.
    package var tombstonesLogged = 0
    /// Tombstones that the database lacked.
    package var tombstonesAdded = 0
    /// Lifted tombstones that the log still had, and that the database had again.
    package var liftsLogged = 0
    package var tombstonesLifted = 0
    /// Roots of partly forgotten trees that the log, and that the database, lacked.
    package var partsLogged = 0
    package var partsAdded = 0
    /// Channels that the database had not forgotten.
    package var channelsForgotten = 0
    package var subjectsForgotten = 0
    /// Requests for what was forgotten already that the database would have carried out again.
    package var requestsRefused = 0
    /// Rows of what was forgotten, by table.
    package var rowsDeleted: [String: Int] = [:]

    package init() {}

    /// Whether both said the same.
    package var isEmpty: Bool { self == ReconciliationReport() }

    mutating func delete(_ count: Int, from table: ChannelTable) {
        guard count > 0 else { return }
        rowsDeleted[table.rawValue, default: 0] += count
    }
}
