import Archive
import Erasure
import Foundation
import Vault

/// A request to forget as the interface tells it, without what it was about once that is
/// forgotten: the receipt has no number either.
struct ForgetRequestDocument: Encodable {
    let id: String
    let scope: ForgetRequestRecord.Kind
    let from: String?
    let to: String?
    let state: ForgetState
    let receivedAt: Timestamp
    let dueAt: Timestamp
    /// Whether it should have been answered by now.
    let late: Bool
    /// When it may begin, once approved.
    let notBefore: Timestamp?
    /// Why it was refused or extended.
    let note: String?
    let finishedAt: Timestamp?
    let receipt: Receipt?

    init(_ record: ForgetRequestRecord, _ archive: Archive, now: Date) throws {
        id = record.id.text
        scope = record.kind
        from = record.periods?.lowerBound.description
        to = record.periods?.upperBound.description
        state = record.state
        receivedAt = Timestamp(record.receivedAt)
        dueAt = Timestamp(record.dueAt)
        late = record.life.isLate(at: now)
        notBefore = record.life.notBefore.map(Timestamp.init)
        note = try archive.note(on: record)
        finishedAt = record.finishedAt.map(Timestamp.init)
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        do {
            receipt = try record.receipt.map {
                try decoder.decode(Receipt.self, from: Data($0.utf8))
            }
        } catch {
            throw ArchiveError.damaged(table: "forget_request", channel: record.id)
        }
    }
}
