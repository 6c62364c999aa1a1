import Archive
import Failures
import Foundation
import Vault

/// Everything held about a person, part after part; no more than a batch of it is held in
/// memory.
///
/// It stops at the first batch after a forget began: what was given until
/// then is incomplete, and whoever took it has to throw it away.
package struct SubjectExport: Sendable {
    package enum Part: Sendable {
        case channel(HoldingDocument)
        case messages([MessageDocument], of: ChannelNumber)
        /// What the audit log says of a channel or of the person.
        case audit([AuditRecordDocument])
    }

    /// How much was given.
    package struct Counts: Sendable, Equatable, Codable {
        package var channels = 0
        package var messages = 0
        package var auditEntries = 0

        package init() {}
    }

    private static let batch = 256

    private let archive: Archive
    private let subject: ChannelNumber

    package init(archive: Archive, subject: ChannelNumber) {
        self.archive = archive
        self.subject = subject
    }

    /// The export itself stands in the audit log as one act, not as a read of every channel:
    /// the person is no recipient of his own data.
    ///
    /// - Throws: `ExportError.stopped`; what `sink` throws; what keeps values from being read.
    package func run(now: Date, _ sink: (Part) async throws -> Void) async throws -> Counts {
        var counts = Counts()
        do {
            let scope = try await archive.scope(ofSubject: subject)
            try await archive.recordAct(.subjectExported, of: subject, now: now)
            let holdings = try await archive.holdings(within: scope)
            for holding in holdings {
                try await sink(.channel(HoldingDocument(holding)))
                counts.channels += 1
            }
            for holding in holdings {
                counts.messages += try await messages(of: holding.channel, scope, sink)
            }
            for leaf in holdings.map(\.channel.id) + [subject] {
                try await archive.auditRecords(AuditFilter(leaf: leaf)) { records in
                    try await sink(.audit(records.map(AuditRecordDocument.init)))
                    counts.auditEntries += records.count
                }
            }
            // A forget that began meanwhile took channels away, or a part of one.
            guard try await archive.scope(ofSubject: subject) == scope else {
                throw ExportError.stopped
            }
            for holding in holdings { try await check(holding.channel) }
        } catch ArchiveError.noSuchChannel {
            throw ExportError.stopped
        } catch VaultError.forgotten {
            throw ExportError.stopped
        }
        return counts
    }

    private func check(_ channel: ChannelRecord) async throws {
        guard try await archive.channel(channel.id).readersEpoch == channel.readersEpoch else {
            throw ExportError.stopped
        }
    }

    private func messages(
        of channel: ChannelRecord, _ scope: ChannelScope, _ sink: (Part) async throws -> Void
    ) async throws -> Int {
        var (reading, after, count) = (
            MessageReading(archive, channel: channel), MessageKey?.none, 0
        )
        while true {
            // Who is taken off a channel sees no more of it, and a forget takes it away.
            guard try await archive.scope(ofSubject: subject) == scope else {
                throw ExportError.stopped
            }
            let (stored, next) = try await AuditActor.$current.withValue(.upkeep) {
                try await archive.messages(
                    of: channel.id, MessageRange(), after: after, limit: Self.batch, within: scope,
                    ofRestricted: true)
            }
            let documents = try await reading.documents(of: stored)
            try await check(channel)
            if !documents.isEmpty { try await sink(.messages(documents, of: channel.id)) }
            count += documents.count
            guard let next else { return count }
            after = next
        }
    }
}

/// Why an export is not whole.
package enum ExportError: Failure, Equatable {
    /// Something of it was forgotten or restricted meanwhile.
    case stopped

    package var code: String { "export.stopped" }
    package var operation: String { "export" }
    package var retryable: Bool { true }
    package var publicText: String {
        "a forget or a restriction began meanwhile, so the export was stopped: nothing of it counts"
    }
}
