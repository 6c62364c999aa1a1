import Archive
import MAM
import Tangle
import Ternary
import Vault

import struct Tangle.Bundle

/// Checks messages of a channel against what proves them; the signatures of all together.
struct MessageCheck {
    private let channel: ChannelNumber
    private let mode: ChannelMode
    private var entries: [Entry] = []

    init(channel: ChannelNumber, mode: ChannelMode) {
        self.channel = channel
        self.mode = mode
    }

    private enum Entry {
        case fault(VerificationFault)
        case attachment(StoredMessage, KeptAttachment, SideKey?)
    }

    func fault(_ sequence: Int64, _ attachment: Int?, _ cause: VerificationFault.Cause)
        -> VerificationFault
    {
        VerificationFault(
            channel: channel, sequence: sequence, attachment: attachment, cause: cause)
    }

    mutating func add(_ fault: VerificationFault) { entries.append(.fault(fault)) }

    mutating func add(
        _ message: StoredMessage, _ attachments: [KeptAttachment], keys: [Int16: SideKey]
    ) {
        guard attachments.contains(where: { $0.number == 0 }) else {
            return add(fault(message.sequence, nil, .noEvidence))
        }
        let sideKey = message.sideKey.flatMap { keys[$0] }
        guard (mode == .restricted) == (sideKey != nil) else {
            return add(fault(message.sequence, nil, .sideKeyMissing))
        }
        for attachment in attachments {
            entries.append(.attachment(message, attachment, sideKey))
        }
    }

    /// Of everything that was added, in its order.
    func faults() -> [VerificationFault] {
        let roots = entries.map { entry -> Root? in
            guard case .attachment(let message, _, _) = entry else { return nil }
            return message.head.root
        }
        var addresses = ChannelAddress.addresses(of: roots.compactMap { $0 }, mode: mode)
            .makeIterator()
        var requests: [ReadRequest] = []
        let checks = entries.map { entry -> Check in
            switch entry {
            case .fault(let fault): return .fault(fault)
            case .attachment(let message, let attachment, let sideKey):
                let address = addresses.next()
                switch bundle(of: attachment, message, at: address) {
                case .failure(let cause):
                    return .fault(fault(message.sequence, attachment.number, cause))
                case .success(let bundle):
                    let payload = bundle.messageTrytes
                    requests.append(
                        ReadRequest(payload: payload, root: message.head.root, sideKey: sideKey))
                    return .read(message, attachment.number, payload)
                }
            }
        }
        var results = MessageReader.read(requests, .full).makeIterator()
        return checks.compactMap { check in
            switch check {
            case .fault(let fault): return fault
            case .read(let message, let number, let payload):
                guard case .success(let read)? = results.next() else {
                    return fault(message.sequence, number, .notAuthentic)
                }
                let isSame =
                    Int64(exactly: read.index) == message.leaf
                    && read.securityLevel == message.head.securityLevel
                    && Self.starts(payload, with: message.head)
                return isSame ? nil : fault(message.sequence, number, .otherMessage)
            }
        }
    }

    private enum Check {
        case fault(VerificationFault)
        case read(StoredMessage, Int, Trytes)
    }

    private static func starts(_ payload: Trytes, with head: MessageHead) -> Bool {
        let first = payload[0..<head.payloadTritCount / 3]
        return 3 * first.count == head.payloadTritCount
            && T5B1.pack(first) == head.packedPayload
    }

    private func bundle(
        of attachment: KeptAttachment, _ message: StoredMessage, at address: Hash?
    ) -> Result<Bundle, VerificationFault.Cause> {
        let bundle = try? Bundle(
            attachment.transactions, hashes: attachment.hashes,
            essenceHash: attachment.essenceHash)
        guard let bundle else { return .failure(.invalidBundle) }
        let head = message.head
        if attachment.number == 0 {
            guard bundle.tail == head.tail, bundle.bundleHash == head.bundle else {
                return .failure(.wrongHash)
            }
        }
        return bundle.address == address ? .success(bundle) : .failure(.wrongAddress)
    }
}

extension VerificationFault.Cause: Error {}
