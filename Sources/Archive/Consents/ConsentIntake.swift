import Foundation
import MAM
import Postgres
import Ternary
import Vault

/// What consent events are stored as.
private struct ConsentColumns {
    var channel: [Int64] = []
    var sequence: [Int64] = []
    var position: [Int64] = []
    var leaf: [Int64] = []
    var kind: [String] = []
    var lookup: [[UInt8]] = []
    var policy: [[UInt8]?] = []
    var sealed: [[UInt8]] = []
}

extension Archive {
    /// Takes what the new messages of consent channels say, in the transaction that stores them:
    /// messages that were verified, under the lock of their channel's row.
    func takeConsents(
        of entries: [CommitEntry], now: Date, on connection: PostgresConnection
    ) async throws {
        var columns = ConsentColumns()
        for entry in entries where entry.cursor.isConsent && !entry.isRefused {
            for (offset, new) in entry.intake.new.enumerated() {
                guard let event = ConsentEvent(new.message.message) else { continue }
                let sequence = entry.cursor.nextSequence + Int64(offset)
                columns.channel.append(entry.channel.rawValue)
                columns.sequence.append(sequence)
                columns.position.append(new.message.position)
                columns.leaf.append(Int64(clamping: new.message.message.index))
                columns.kind.append(event.kind.rawValue)
                columns.lookup.append(consentLookup(of: event))
                columns.policy.append(try policyLookup(of: event, entry.channel))
                let column = SealedColumn.consentEvent
                columns.sealed.append(
                    try vault.seal(
                        event.encoded, column.context(entry.channel, row: sequence)))
            }
        }
        guard !columns.channel.isEmpty else { return }
        _ = try await connection.execute(
            """
            insert into consent_event (
                channel, sequence, position, leaf, kind, lookup, policy, sealed_event, at)
            select c, s, p, l, k, u, y, e, $9
            from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[],
                $6::bytea[], $7::bytea[], $8::bytea[]) n (c, s, p, l, k, u, y, e)
            """,
            [
                .int64Array(columns.channel), .int64Array(columns.sequence),
                .int64Array(columns.position), .int64Array(columns.leaf),
                .textArray(columns.kind), .bytesArray(columns.lookup),
                .bytesArray(columns.policy), .bytesArray(columns.sealed), .timestamp(now),
            ])
    }

    /// Under a key of the ring and not of a channel: tokens name the reader, and channels the
    /// device.
    private func consentLookup(of event: ConsentEvent) -> [UInt8] {
        switch event {
        case .authorised(let policy), .revoked(let policy): readerLookup(policy.provider)
        case .deviceAdded(let address), .deviceDeleted(let address): deviceLookup(address)
        }
    }

    func readerLookup(_ address: Hash) -> [UInt8] {
        vault.nodeLookupHash(address.packed, domain: "consent reader")
    }

    func deviceLookup(_ address: Hash) -> [UInt8] {
        vault.nodeLookupHash(address.packed, domain: "consent device")
    }

    /// Nil for devices, and for a revocation of all that a provider has.
    private func policyLookup(of event: ConsentEvent, _ channel: ChannelNumber) throws -> [UInt8]? {
        guard let policy = event.policy, let goal = policy.goal else { return nil }
        return try vault.lookupHash(
            policy.provider.packed + Array(goal.utf8), domain: "policy", channel: channel)
    }
}

/// As it stands in `consent_event.kind`.
enum ConsentKind: String {
    case authorised, revoked
    case deviceAdded = "device-added"
    case deviceDeleted = "device-deleted"

    var auditKind: AuditKind {
        switch self {
        case .authorised: .consentAuthorised
        case .revoked: .consentRevoked
        case .deviceAdded: .consentDeviceAdded
        case .deviceDeleted: .consentDeviceDeleted
        }
    }
}

extension ConsentEvent {
    var kind: ConsentKind {
        switch self {
        case .authorised: .authorised
        case .revoked: .revoked
        case .deviceAdded: .deviceAdded
        case .deviceDeleted: .deviceDeleted
        }
    }

    var policy: ConsentPolicy? {
        switch self {
        case .authorised(let policy), .revoked(let policy): policy
        case .deviceAdded, .deviceDeleted: nil
        }
    }

    private var address: Hash {
        switch self {
        case .authorised(let policy), .revoked(let policy): policy.provider
        case .deviceAdded(let address), .deviceDeleted(let address): address
        }
    }

    /// The plaintext of `consent_event.sealed_event`: the address, 49 bytes of t5b1, and the goal.
    var encoded: [UInt8] { address.packed + Array((policy?.goal ?? "").utf8) }

    static func decode(_ bytes: [UInt8]) throws -> (address: Hash, goal: String) {
        guard bytes.count >= Hash.packedCount else { throw ByteReader.Mismatch() }
        return (
            try Hash(packed: Array(bytes.prefix(Hash.packedCount))),
            String(decoding: bytes.dropFirst(Hash.packedCount), as: UTF8.self)
        )
    }

    var auditDetails: [String: String] {
        var details = ["address": address.description]
        details["purpose"] = policy?.goal
        return details
    }
}

extension CommitEntry {
    /// What the audit log says of the events that came.
    func consents(_ now: Date) -> [AuditLog.Act] {
        guard cursor.isConsent, !isRefused else { return [] }
        return intake.new.compactMap { new in
            ConsentEvent(new.message.message).map {
                AuditLog.Act(
                    kind: $0.kind.auditKind, leaf: channel, details: $0.auditDetails, at: now)
            }
        }
    }
}
