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
    /// What becomes of channels that are others' data, too.
    let shared: SharedChannels
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
    /// The receipt as it was signed; `receipt` is for reading.
    let signed: SignedReceipt?

    init(_ record: ForgetRequestRecord, _ archive: Archive, now: Date) throws {
        id = record.id.text
        scope = record.kind
        from = record.periods?.lowerBound.description
        to = record.periods?.upperBound.description
        shared = record.shared
        state = record.state
        receivedAt = Timestamp(record.receivedAt)
        dueAt = Timestamp(record.dueAt)
        late = record.life.isLate(at: now)
        notBefore = record.life.notBefore.map(Timestamp.init)
        note = try archive.note(on: record)
        finishedAt = record.finishedAt.map(Timestamp.init)
        do {
            signed = try record.receipt.map { try SignedReceipt(text: Array($0.utf8)) }
            receipt = try signed?.receipt()
        } catch {
            throw ArchiveError.damaged(table: "forget_request", channel: record.id)
        }
    }
}
