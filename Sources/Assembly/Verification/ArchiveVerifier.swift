import Archive
import Foundation
import MAM
import Tangle
import Ternary
import Vault

import struct Tangle.Bundle

/// Checks every stored message as if it came from a stranger: hashes recomputed, bundles
/// validated, signatures checked against the root.
package struct ArchiveVerifier: Sendable {
    /// What was checked, in counts.
    package struct Report: Sendable, Equatable, Codable {
        package var channels = 0
        /// Channels whose processing is restricted: nothing of them may be read.
        package var skippedChannels = 0
        package var messages = 0
        package var attachments = 0
        package var faults = 0
    }

    private let archive: Archive

    package init(archive: Archive) { self.archive = archive }

    /// Checks one channel, or all.
    ///
    /// - Parameters:
    ///   - progress: Told now and then.
    ///   - fault: Told of each fault as it is found.
    /// - Throws: `ArchiveError.noSuchChannel` for one that is named and is not there or
    ///   forgotten; what the database says.
    package func verify(
        channel: ChannelNumber? = nil, progress: @Sendable (Report) -> Void = { _ in },
        fault: @Sendable (VerificationFault) throws -> Void
    ) async throws -> Report {
        var report = Report()
        if let channel {
            let record = try await archive.channel(channel)
            guard record.state != .forgotten else { throw ArchiveError.noSuchChannel(channel) }
            try await verify(record, &report, progress, fault)
            return report
        }
        var after: ChannelNumber?
        while true {
            let page = try await archive.channels(after: after)
            for record in page where record.state != .forgotten {
                try await verify(record, &report, progress, fault)
            }
            guard page.count == Archive.channelPageLimit, let last = page.last else {
                return report
            }
            after = last.id
        }
    }

    /// Messages whose sequences are asked for at once.
    private static let batch = 100

    /// Of every error that says that a stored value does not open or does not parse.
    private static let damagedCode = "archive.damaged"

    private func verify(
        _ record: ChannelRecord, _ report: inout Report, _ progress: @Sendable (Report) -> Void,
        _ fault: @Sendable (VerificationFault) throws -> Void
    ) async throws {
        guard record.state != .restricted else {
            report.skippedChannels += 1
            return
        }
        report.channels += 1
        let check = MessageCheck(channel: record.id, mode: record.mode)
        var last: Int64 = -1
        while true {
            let sequences = try await archive.sequences(
                of: record.id, after: last, limit: Self.batch)
            guard let end = sequences.last else { return }
            let keys = try await sideKeys(of: record.id)
            for sequence in sequences {
                let faults: [VerificationFault]
                do {
                    let stored = try await AuditActor.$current.withValue(.upkeep) {
                        try await archive.evidence(of: record.id, sequence: sequence)
                    }
                    report.attachments += stored.attachments.count
                    faults = check.faults(of: stored.message, stored.attachments, keys: keys)
                } catch let failure as ArchiveError where failure.code == Self.damagedCode {
                    faults = [check.fault(sequence, nil, .damaged)]
                } catch ArchiveError.noSuchChannel {
                    // Forgotten meanwhile: nothing is left to be checked.
                    return
                } catch ArchiveError.noSuchMessage {
                    // Its period was forgotten meanwhile.
                    continue
                }
                report.messages += 1
                report.faults += faults.count
                try faults.forEach(fault)
            }
            progress(report)
            last = end
        }
    }

    /// Where one does not open, none: every message that needs one then tells.
    private func sideKeys(of channel: ChannelNumber) async throws -> [Int16: SideKey] {
        do {
            return try await archive.sideKeys(of: channel)
        } catch let failure as ArchiveError where failure.code == Self.damagedCode {
            return [:]
        } catch VaultError.forgotten {
            return [:]
        }
    }
}

/// Checks one message against what proves it.
struct MessageCheck {
    let channel: ChannelNumber
    let mode: ChannelMode

    func fault(_ sequence: Int64, _ attachment: Int?, _ cause: VerificationFault.Cause)
        -> VerificationFault
    {
        VerificationFault(
            channel: channel, sequence: sequence, attachment: attachment, cause: cause)
    }

    func faults(
        of message: StoredMessage, _ attachments: [KeptAttachment], keys: [Int16: SideKey]
    ) -> [VerificationFault] {
        let sequence = message.sequence
        guard attachments.contains(where: { $0.number == 0 }) else {
            return [fault(sequence, nil, .noEvidence)]
        }
        let sideKey = message.sideKey.flatMap { keys[$0] }
        guard (mode == .restricted) == (sideKey != nil) else {
            return [fault(sequence, nil, .sideKeyMissing)]
        }
        return attachments.compactMap { attachment in
            cause(of: attachment, message, sideKey).map {
                fault(sequence, attachment.number, $0)
            }
        }
    }

    private func cause(
        of attachment: KeptAttachment, _ message: StoredMessage, _ sideKey: SideKey?
    ) -> VerificationFault.Cause? {
        let head = message.head
        // Hashes the transactions.
        guard let bundle = try? Bundle(attachment.transactions) else { return .invalidBundle }
        if attachment.number == 0 {
            guard bundle.tail == head.tail, bundle.bundleHash == head.bundle else {
                return .wrongHash
            }
        }
        guard bundle.address == ChannelAddress.address(of: head.root, mode: mode) else {
            return .wrongAddress
        }
        let request = ReadRequest(payload: bundle.messageTrytes, root: head.root, sideKey: sideKey)
        guard let result = MessageReader.read([request], .full).first,
            case .success(let read) = result
        else { return .notAuthentic }
        let isSame =
            Int64(exactly: read.index) == message.leaf
            && read.securityLevel == head.securityLevel
            && bundle.messageTrytes[0..<head.payload.count] == head.payload
        return isSame ? nil : .otherMessage
    }
}
