import Archive
import MAM
import Tangle
import Ternary
import Vault

import struct Tangle.Bundle

/// Checks messages against what proves them; the signatures of all together.
struct MessageCheck {
    private var entries: [Entry] = []
    /// The roots of those that are attachments, with their places among the entries, by mode:
    /// addresses are found for many at once.
    private var roots: [ChannelMode: [(entry: Int, root: Root)]] = [:]

    private struct Candidate {
        let message: StoredMessage
        let attachment: KeptAttachment
        let channel: ChannelNumber
        let mode: ChannelMode
        let sideKey: SideKey?

        func fault(_ cause: VerificationFault.Cause) -> VerificationFault {
            VerificationFault(
                channel: channel, sequence: message.sequence, attachment: attachment.number,
                cause: cause)
        }
    }

    private enum Entry {
        case fault(VerificationFault)
        case attachment(Candidate)
    }

    mutating func add(_ fault: VerificationFault) { entries.append(.fault(fault)) }

    /// - Parameter sideKey: the one that the message names.
    mutating func add(
        _ message: StoredMessage, _ attachments: [KeptAttachment], of channel: ChannelNumber,
        _ mode: ChannelMode, sideKey: SideKey?
    ) {
        func add(_ cause: VerificationFault.Cause) {
            entries.append(
                .fault(
                    VerificationFault(
                        channel: channel, sequence: message.sequence, attachment: nil,
                        cause: cause)))
        }
        guard attachments.contains(where: { $0.number == 0 }) else { return add(.noEvidence) }
        guard (mode == .restricted) == (sideKey != nil) else { return add(.sideKeyMissing) }
        for attachment in attachments {
            roots[mode, default: []].append((entries.count, message.head.root))
            entries.append(
                .attachment(
                    Candidate(
                        message: message, attachment: attachment, channel: channel, mode: mode,
                        sideKey: sideKey)))
        }
    }

    /// Of everything that was added, in its order.
    func faults() -> [VerificationFault] {
        let addresses = addresses()
        var requests: [ReadRequest] = []
        let checks = entries.enumerated().map { index, entry -> Check in
            switch entry {
            case .fault(let fault): return .fault(fault)
            case .attachment(let candidate):
                switch Self.bundle(of: candidate, at: addresses[index]) {
                case .failure(let cause): return .fault(candidate.fault(cause))
                case .success(let bundle):
                    let payload = bundle.messageTrytes
                    requests.append(
                        ReadRequest(
                            payload: payload, root: candidate.message.head.root,
                            sideKey: candidate.sideKey))
                    return .read(candidate, payload)
                }
            }
        }
        var results = MessageReader.read(requests, .full).makeIterator()
        return checks.compactMap { check in
            switch check {
            case .fault(let fault): return fault
            case .read(let candidate, let payload):
                guard case .success(let read)? = results.next() else {
                    return candidate.fault(.notAuthentic)
                }
                let message = candidate.message
                let isSame =
                    Int64(exactly: read.index) == message.leaf
                    && read.securityLevel == message.head.securityLevel
                    && Self.starts(payload, with: message.head)
                return isSame ? nil : candidate.fault(.otherMessage)
            }
        }
    }

    private enum Check {
        case fault(VerificationFault)
        case read(Candidate, Trytes)
    }

    /// Where the messages' roots lead to, by the entries' indices.
    private func addresses() -> [Int: Hash] {
        var addresses: [Int: Hash] = [:]
        for (mode, roots) in roots {
            let found = ChannelAddress.addresses(of: roots.map(\.root), mode: mode)
            for (place, address) in zip(roots, found) { addresses[place.entry] = address }
        }
        return addresses
    }

    private static func starts(_ payload: Trytes, with head: MessageHead) -> Bool {
        let first = payload.ascii.prefix(head.payloadTritCount / 3)
        return 3 * first.count == head.payloadTritCount
            && first.withUnsafeBufferPointer { T5B1.pack($0) } == head.packedPayload
    }

    private static func bundle(
        of candidate: Candidate, at address: Hash?
    ) -> Result<Bundle, VerificationFault.Cause> {
        let attachment = candidate.attachment
        let bundle = try? Bundle(
            attachment.transactions, hashes: attachment.hashes,
            essenceHash: attachment.essenceHash)
        guard let bundle else { return .failure(.invalidBundle) }
        let head = candidate.message.head
        if attachment.number == 0 {
            guard bundle.tail == head.tail, bundle.bundleHash == head.bundle else {
                return .failure(.wrongHash)
            }
        }
        return bundle.address == address ? .success(bundle) : .failure(.wrongAddress)
    }
}

extension VerificationFault.Cause: Error {}
