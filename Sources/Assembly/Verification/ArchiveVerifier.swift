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

    /// Messages that one task reads and checks: as many as fill the lanes of most CPUs.
    private static let messagesPerTask = Archive.evidenceBatchLimit

    /// Tasks at once: a connection each, and a few megabytes.
    private static let tasks = max(2, min(8, ProcessInfo.processInfo.activeProcessorCount))

    /// Messages whose sequences are asked for at once.
    private static let batch = messagesPerTask * tasks

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
        var last: Int64 = -1
        while true {
            let sequences = try await sequences(of: record.id, after: last)
            guard let end = sequences.last else { return }
            let keys = try await sideKeys(of: record.id)
            do {
                for part in try await parts(of: sequences, record, keys) {
                    report.messages += part.messages
                    report.attachments += part.attachments
                    report.faults += part.faults.count
                    try part.faults.forEach(fault)
                }
            } catch ArchiveError.noSuchChannel {
                // Forgotten meanwhile: nothing is left to be checked.
                return
            }
            progress(report)
            last = end
        }
    }

    private func sequences(of channel: ChannelNumber, after: Int64) async throws -> [Int64] {
        var sequences: [Int64] = []
        while sequences.count < Self.batch {
            let more = try await archive.sequences(
                of: channel, after: sequences.last ?? after, limit: Self.batch - sequences.count)
            guard !more.isEmpty else { break }
            sequences += more
        }
        return sequences
    }

    /// What was found in some messages.
    private struct Part: Sendable {
        var messages = 0
        var attachments = 0
        var faults: [VerificationFault] = []
    }

    /// In the order of `sequences`, which are checked by all cores.
    private func parts(
        of sequences: [Int64], _ record: ChannelRecord, _ keys: [Int16: SideKey]
    ) async throws -> [Part] {
        // Few messages are shared out too, as long as they fill lanes.
        let share = (sequences.count + Self.tasks - 1) / Self.tasks
        let size = min(Self.messagesPerTask, max(share, Self.messagesPerTask / 4))
        let starts = Array(stride(from: 0, to: sequences.count, by: size))
        return try await withThrowingTaskGroup(of: (Int, Part).self) { group in
            for start in starts {
                let some = Array(sequences[start..<min(start + size, sequences.count)])
                group.addTask { (start, try await part(some, record, keys)) }
            }
            let parts = try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
            return starts.compactMap { parts[$0] }
        }
    }

    private func part(
        _ sequences: [Int64], _ record: ChannelRecord, _ keys: [Int16: SideKey]
    ) async throws -> Part {
        let evidence = try await AuditActor.$current.withValue(.upkeep) {
            try await archive.evidence(of: record, sequences: sequences)
        }
        var check = MessageCheck(channel: record.id, mode: record.mode)
        var part = Part(messages: evidence.count)
        for (sequence, kept) in evidence {
            switch kept {
            case .success(let (message, attachments)):
                part.attachments += attachments.count
                check.add(message, attachments, keys: keys)
            case .failure(let failure) where failure.code == Self.damagedCode:
                check.add(check.fault(sequence, nil, .damaged))
            case .failure(let failure): throw failure
            }
        }
        part.faults = check.faults()
        return part
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
