import MAM
import Postgres
import Tangle
import Ternary
import Vault

/// Opens messages and their evidence: what can be done for several of them at once is.
struct EvidenceOpening {
    private let archive: Archive
    private var entries: [Entry] = []
    /// Channels that were forgotten since they were read.
    private var gone: Set<ChannelNumber> = []

    private struct Entry {
        let place: MessagePlace
        let mode: ChannelMode
        let message: Result<StoredMessage, ArchiveError>
        var evidence: [(number: Int, period: Period, bytes: [UInt8])] = []
        var restored: [(number: Int, period: Period, bundle: RestoredBundle)] = []
        var address: Hash?
        var fault: ArchiveError?
    }

    /// - Parameter modes: of the channels that may be read; rows of others are passed over.
    init(
        _ sealed: SealedEvidence, modes: [ChannelNumber: ChannelMode], of archive: Archive
    ) throws {
        self.archive = archive
        for row in sealed.rows {
            let place = try MessagePlace(row: row)
            guard let mode = modes[place.channel], !gone.contains(place.channel) else { continue }
            do {
                if entries.last?.place != place {
                    let message = try archive.damageApart(in: place.channel) {
                        try archive.stored(row, of: place.channel)
                    }
                    // Its period is being forgotten.
                    guard let message else { continue }
                    entries.append(Entry(place: place, mode: mode, message: message))
                }
                try open(row, at: place)
            } catch ArchiveError.noSuchChannel(let channel) { gone.insert(channel) }
        }
        entries.removeAll { gone.contains($0.place.channel) }
    }

    /// - Throws: `ArchiveError.noSuchChannel` for a channel that was forgotten meanwhile.
    func checkNoneIsGone() throws {
        if let channel = gone.first { throw ArchiveError.noSuchChannel(channel) }
    }

    private mutating func open(_ row: PostgresRow, at place: MessagePlace) throws {
        let last = entries.count - 1
        guard case .success = entries[last].message, let number = try row.optionalInt32("number")
        else { return }
        let column = SealedColumn.attachmentEvidence
        let opened = try archive.damageApart(in: place.channel) {
            try archive.vault.open(
                row.bytes("sealed_evidence"), column,
                column.context(
                    place.channel, row.period("evidence_period"),
                    row: SealedColumn.attachmentRow(place.sequence, number: Int(number))))
        }
        switch opened {
        case nil: return  // Its period is being forgotten, and the message stays.
        case .success(let bytes):
            let period = try row.period("evidence_period")
            entries[last].evidence.append((Int(number), period, bytes))
        case .failure(let error): entries[last].fault = error
        }
    }

    /// Of every message that was read, in its order.
    ///
    /// - Returns: `ArchiveError.damaged` where a value does not open or does not parse.
    consuming func found() -> [(place: MessagePlace, evidence: KeptEvidence)] {
        outcomes { number, period, bundle, _ in
            KeptAttachment(
                number: number, period: period, transactions: try bundle.transactions(),
                hashes: (0..<bundle.count).map(bundle.hash))
        }.map { ($0.place, $0.outcome) }
    }

    /// The same for who checks them.
    consuming func proofs() -> [FoundProofs] {
        outcomes { number, _, bundle, address in
            BundleProof(number: number, bundle, address: address)
        }.map { FoundProofs(place: $0.place, proofs: $0.outcome) }
    }

    private typealias Outcome<Attachment> = Result<
        (message: StoredMessage, attachments: [Attachment]), ArchiveError
    >

    /// - Parameter make: what is wanted of each attachment.
    private consuming func outcomes<Attachment>(
        _ make: (Int, Period, RestoredBundle, Hash) throws -> Attachment
    ) -> [(place: MessagePlace, outcome: Outcome<Attachment>)] {
        restore()
        return entries.map { entry in
            if let fault = entry.fault { return (entry.place, .failure(fault)) }
            let outcome = entry.message.flatMap { message -> Outcome<Attachment> in
                do {
                    let attachments = try entry.restored.sorted { $0.number < $1.number }.map {
                        try make($0.number, $0.period, $0.bundle, entry.address ?? .null)
                    }
                    return .success((message, attachments))
                } catch { return .failure(Self.damaged(entry.place.channel)) }
            }
            return (entry.place, outcome)
        }
    }

    private static func damaged(_ channel: ChannelNumber) -> ArchiveError {
        .damaged(table: SealedColumn.attachmentEvidence.table, channel: channel)
    }

    private mutating func restore() {
        var encoded: [(bytes: [UInt8], head: Trytes, address: Hash)] = []
        var owners: [(entry: Int, number: Int, period: Period)] = []
        for mode in ChannelMode.allCases {
            let indices = entries.indices.filter { entries[$0].mode == mode }
            let heads = indices.map { try? entries[$0].message.get().head }
            let roots = heads.compactMap { $0?.root }
            var addresses = ChannelAddress.addresses(of: roots, mode: mode).makeIterator()
            for (index, head) in zip(indices, heads) {
                guard let head, let address = addresses.next() else { continue }
                entries[index].address = address
                for (number, period, bytes) in entries[index].evidence {
                    encoded.append((bytes, head.payload, address))
                    owners.append((index, number, period))
                }
                entries[index].evidence = []
            }
        }
        for (owner, restored) in zip(owners, EvidenceEncoding.restore(encoded)) {
            switch restored {
            case .success(let bundle):
                entries[owner.entry].restored.append((owner.number, owner.period, bundle))
            case .failure:
                entries[owner.entry].fault = Self.damaged(entries[owner.entry].place.channel)
            }
        }
    }
}

extension Archive {
    /// Opens messages with what proves them, to be checked.
    ///
    /// - Parameter modes: of the channels that may be read; messages of others are left out, and
    ///   those of channels that were forgotten meanwhile.
    package func proofs(
        _ sealed: SealedEvidence, modes: [ChannelNumber: ChannelMode]
    ) throws -> [FoundProofs] {
        try EvidenceOpening(sealed, modes: modes, of: self).proofs()
    }

    /// Damage of one value keeps nobody from reading the others; nor does a period that is
    /// being forgotten, of which there is nothing any more. Any other error does.
    func damageApart<Value>(
        in channel: ChannelNumber, _ body: () throws -> Value
    ) throws -> Result<Value, ArchiveError>? {
        do {
            return .success(try body())
        } catch let error as ArchiveError {
            return .failure(error)
        } catch VaultError.forgotten {
            guard try !vault.isForgotten(channel) else {
                throw ArchiveError.noSuchChannel(channel)
            }
            return nil
        }
    }
}
