import Archive
import Foundation
import MAM
import Tangle
import Ternary
import Vault

/// Checks every stored message as if it came from a stranger: hashes recomputed, bundles
/// validated, signatures checked against the root.
///
/// Messages of many channels are read together, in their order, and checked on all cores while
/// the next are read: a channel of few messages costs no more than they do.
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
    ///   - fault: Told of each fault, in the order of channels and messages.
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
            try await verify([record], &report, progress, fault)
            return report
        }
        var after: ChannelNumber?
        while true {
            let page = try await archive.channels(after: after)
            try await verify(page, &report, progress, fault)
            guard page.count == Archive.channelPageLimit, let last = page.last else {
                return report
            }
            after = last.id
        }
    }

    /// Batches under check at once: all cores, and one that waits, each some megabytes.
    private static let batches = max(2, min(8, ProcessInfo.processInfo.activeProcessorCount)) + 1

    /// Of every error that says that a stored value does not open or does not parse.
    private static let damagedCode = "archive.damaged"

    /// What was found in some messages.
    private struct Part: Sendable {
        var messages = 0
        var attachments = 0
        var faults: [VerificationFault] = []
    }

    private func verify(
        _ records: [ChannelRecord], _ report: inout Report, _ progress: @Sendable (Report) -> Void,
        _ fault: @Sendable (VerificationFault) throws -> Void
    ) async throws {
        let records = records.filter { $0.state != .forgotten }
        let channels = records.filter { $0.state != .restricted }.map(\.id)
        report.channels += channels.count
        report.skippedChannels += records.count - channels.count
        try await withThrowingTaskGroup(of: (Int, Part).self) { group in
            var place: MessagePlace?
            var (begun, ended, told) = (0, 0, 0)
            var atEnd = channels.isEmpty
            var parts: [Int: Part] = [:]
            while !atEnd || ended < begun {
                if !atEnd, begun - ended < Self.batches {
                    let sealed = try await archive.sealedEvidence(of: channels, after: place)
                    guard let last = try sealed.last() else {
                        atEnd = true
                        continue
                    }
                    place = last
                    let number = begun
                    group.addTask { (number, try await part(sealed)) }
                    begun += 1
                    continue
                }
                guard let (number, part) = try await group.next() else { return }
                ended += 1
                parts[number] = part
                while let part = parts.removeValue(forKey: told) {
                    told += 1
                    report.messages += part.messages
                    report.attachments += part.attachments
                    report.faults += part.faults.count
                    try part.faults.forEach(fault)
                    progress(report)
                }
            }
        }
    }

    private func part(_ sealed: SealedEvidence) async throws -> Part {
        let readable = try await archive.readable(sealed)
        var check = MessageCheck()
        var part = Part()
        for found in try archive.proofs(sealed, modes: readable.modes) {
            let channel = found.place.channel
            guard let mode = readable.modes[channel] else { continue }
            part.messages += 1
            switch found.proofs {
            case .success(let (message, attachments)):
                part.attachments += attachments.count
                check.add(
                    message, attachments, of: channel, mode,
                    sideKey: readable.sideKey(of: message, in: channel))
            case .failure(let failure) where failure.code == Self.damagedCode:
                check.add(
                    VerificationFault(
                        channel: channel, sequence: found.place.sequence, attachment: nil,
                        cause: .damaged))
            case .failure(let failure): throw failure
            }
        }
        part.faults = check.faults()
        return part
    }
}
