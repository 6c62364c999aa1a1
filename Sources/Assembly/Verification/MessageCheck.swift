import Archive
import MAM
import Ternary
import Vault

/// Checks messages against what proves them; the signatures of all together.
struct MessageCheck {
    private var entries: [Entry] = []
    private var requests: [ReadRequest] = []

    private struct Candidate {
        let message: StoredMessage
        let attachment: BundleProof
        let channel: ChannelNumber

        func fault(_ cause: VerificationFault.Cause) -> VerificationFault {
            VerificationFault(
                channel: channel, sequence: message.sequence, attachment: attachment.number,
                cause: cause)
        }
    }

    private enum Entry {
        case fault(VerificationFault)
        /// Whose signature is still to be checked: it has the next request.
        case read(Candidate)
    }

    mutating func add(_ fault: VerificationFault) { entries.append(.fault(fault)) }

    /// - Parameter sideKey: the one that the message names.
    mutating func add(
        _ message: StoredMessage, _ attachments: [BundleProof], of channel: ChannelNumber,
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
            let candidate = Candidate(message: message, attachment: attachment, channel: channel)
            if let cause = Self.fault(of: attachment, of: message.head) {
                entries.append(.fault(candidate.fault(cause)))
                continue
            }
            entries.append(.read(candidate))
            requests.append(
                ReadRequest(
                    payload: attachment.payload, root: message.head.root, sideKey: sideKey))
        }
    }

    /// Of everything that was added, in its order.
    consuming func faults() -> [VerificationFault] {
        var results = MessageReader.read(requests, .full).makeIterator()
        return entries.compactMap { entry in
            switch entry {
            case .fault(let fault): return fault
            case .read(let candidate):
                guard case .success(let read)? = results.next() else {
                    return candidate.fault(.notAuthentic)
                }
                let message = candidate.message
                let isSame =
                    Int64(exactly: read.index) == message.leaf
                    && read.securityLevel == message.head.securityLevel
                    && Self.starts(candidate.attachment, with: message.head)
                return isSame ? nil : candidate.fault(.otherMessage)
            }
        }
    }

    private static func starts(_ proof: BundleProof, with head: MessageHead) -> Bool {
        if proof.startsWithHead { return true }
        let first = proof.payload.ascii.prefix(head.payloadTritCount / 3)
        return 3 * first.count == head.payloadTritCount
            && first.withUnsafeBufferPointer { T5B1.pack($0) } == head.packedPayload
    }

    /// What is wrong with it whatever it says.
    private static func fault(
        of proof: BundleProof, of head: MessageHead
    ) -> VerificationFault.Cause? {
        guard proof.isBundle else { return .invalidBundle }
        if proof.number == 0 {
            guard proof.tail == head.tail, proof.bundleHash == head.bundle else {
                return .wrongHash
            }
        }
        return proof.isAtAddress ? nil : .wrongAddress
    }
}
