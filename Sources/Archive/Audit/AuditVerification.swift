import Foundation
import Postgres
import Secrets
import Vault

/// Something that cannot be if nobody changed the log.
package struct AuditFault: Sendable, Hashable {
    package enum Cause: String, Sendable, CaseIterable {
        /// Fields, or the entry before, are not those that were hashed.
        case changed
        /// Entries between two others are not there.
        case missing
        /// The end of a chain, or all of it, is not there.
        case cutOff = "cut-off"
        /// A head that the key ring's key did not sign.
        case forgedHead = "forged-head"
        /// A signed head has another hash than its entry.
        case rewritten

        package var explanation: String {
            switch self {
            case .changed: "its hash is not that of its fields and the entry before"
            case .missing: "entries before it are missing"
            case .cutOff: "the chain ends before it"
            case .forgedHead: "a head that is not signed with this archive's key"
            case .rewritten: "a signed head says that another entry stood here"
            }
        }
    }

    package let cause: Cause
    package let writer: ChannelNumber
    /// Where in the chain.
    package let number: Int64
}

/// What a verification went through.
package struct AuditReport: Sendable, Equatable, Codable {
    package var chains = 0
    package var entries = 0
    /// Signed heads that were compared, exported ones included.
    package var heads = 0
    package var faults = 0
}

/// Checks one chain, entry after entry. A value: what it needs is handed to it.
package struct AuditChainCheck: Sendable {
    package let writer: ChannelNumber
    private var next: Int64 = 0
    private var hash: [UInt8]

    package init(_ writer: ChannelNumber) {
        self.writer = writer
        hash = AuditEntry.start(of: writer)
    }

    /// After a fault the chain is taken up where it goes on, so that each is told once.
    package mutating func check(_ entry: AuditEntry) -> AuditFault? {
        defer {
            next = entry.number &+ 1
            hash = entry.hash
        }
        if entry.number != next {
            return AuditFault(cause: .missing, writer: writer, number: entry.number)
        }
        return entry.follows(hash)
            ? nil : AuditFault(cause: .changed, writer: writer, number: entry.number)
    }

    /// Whether the chain came as far as it must have.
    package func end(expected: Int64) -> AuditFault? {
        next < expected ? AuditFault(cause: .cutOff, writer: writer, number: next) : nil
    }
}

extension Archive {
    private static let verifyBatch = 1000

    /// Walks every chain, and compares it with its signed heads and with exported ones.
    ///
    /// What was appended after the last signed head, an hour at most, can be cut off unseen by
    /// who can write to the database at will; everything before cannot.
    package func verifyAudit(
        exported: [AuditHead] = [], fault: (AuditFault) throws -> Void
    ) async throws -> AuditReport {
        var walk = AuditWalk(exported: exported, publicKey: vault.signingKey.publicKey)
        // One snapshot, so that what is appended meanwhile is not taken for a fault.
        return try await pool.withTransaction(
            readOnly: true, isolation: .repeatableRead, statementTimeout: .zero
        ) { connection in
            for head in walk.exported where !head.isSigned(by: walk.publicKey) {
                try fault(walk.forged(head))
            }
            try await connection.stream(
                """
                select e.writer, e.number, e.at, e.kind, e.actor, e.leaf, e.sealed_details, e.hash,
                    h.hash as head_hash, h.at as head_at, h.signature as head_signature
                from audit_entry e
                left join audit_head h on h.writer = e.writer and h.number = e.number
                order by e.writer, e.number
                """, [], batchSize: Self.verifyBatch
            ) { rows in
                for row in rows {
                    for found in try walk.step(AuditEntry(row: row), AuditHead(joined: row)) {
                        try fault(found)
                    }
                }
            }
            // How far the chains must have come, by what else the database says.
            try await connection.stream(
                """
                select writer, next_number as next from audit_chain
                union all select writer, max(number) + 1 from audit_head group by writer
                """, [], batchSize: Self.verifyBatch
            ) { rows in
                for row in rows {
                    walk.expect(try row.channelNumber("writer"), next: try row.int64("next"))
                }
            }
            for found in walk.ends() { try fault(found) }
            return walk.report
        }
    }
}

/// All chains, one after the other.
private struct AuditWalk {
    let exported: [AuditHead]
    let publicKey: [UInt8]
    private(set) var report = AuditReport()
    private let exportedAt: [Place: [AuditHead]]
    private var check: AuditChainCheck?
    /// Where the chains that were walked end.
    private var reached: [ChannelNumber: AuditChainCheck] = [:]
    private var expected: [ChannelNumber: Int64] = [:]

    private struct Place: Hashable {
        let writer: ChannelNumber
        let number: Int64
    }

    init(exported: [AuditHead], publicKey: [UInt8]) {
        self.exported = exported
        self.publicKey = publicKey
        exportedAt = Dictionary(grouping: exported.filter { $0.isSigned(by: publicKey) }) {
            Place(writer: $0.writer, number: $0.number)
        }
        for (place, _) in exportedAt {
            expected[place.writer] = max(expected[place.writer] ?? 0, place.number &+ 1)
        }
    }

    mutating func forged(_ head: AuditHead) -> AuditFault {
        tell(AuditFault(cause: .forgedHead, writer: head.writer, number: head.number))
    }

    mutating func step(_ entry: AuditEntry, _ head: AuditHead?) -> [AuditFault] {
        if check?.writer != entry.writer {
            keep()
            check = AuditChainCheck(entry.writer)
            report.chains += 1
        }
        report.entries += 1
        var faults: [AuditFault] = []
        if let fault = check?.check(entry) { faults.append(tell(fault)) }
        if let head {
            report.heads += 1
            if !head.isSigned(by: publicKey) {
                faults.append(forged(head))
            } else if head.hash != entry.hash {
                faults.append(rewritten(entry))
            }
        }
        let place = Place(writer: entry.writer, number: entry.number)
        for head in exportedAt[place] ?? [] {
            report.heads += 1
            if head.hash != entry.hash { faults.append(rewritten(entry)) }
        }
        return faults
    }

    mutating func expect(_ writer: ChannelNumber, next: Int64) {
        expected[writer] = max(expected[writer] ?? 0, next)
    }

    mutating func ends() -> [AuditFault] {
        keep()
        return expected.sorted { $0.key < $1.key }.compactMap { writer, next in
            (reached[writer] ?? AuditChainCheck(writer)).end(expected: next)
        }.map { tell($0) }
    }

    private mutating func keep() {
        if let check { reached[check.writer] = check }
        check = nil
    }

    private mutating func rewritten(_ entry: AuditEntry) -> AuditFault {
        tell(AuditFault(cause: .rewritten, writer: entry.writer, number: entry.number))
    }

    private mutating func tell(_ fault: AuditFault) -> AuditFault {
        report.faults += 1
        return fault
    }
}

extension AuditHead {
    init(row: PostgresRow) throws {
        self.init(
            writer: try row.channelNumber("writer"), number: try row.int64("number"),
            hash: try row.bytes("hash"), at: try row.timestamp("at"),
            signature: try row.bytes("signature"))
    }

    /// Of an entry's row, where it has one.
    fileprivate init?(joined row: PostgresRow) throws {
        guard let hash = try row.optionalBytes("head_hash") else { return nil }
        self.init(
            writer: try row.channelNumber("writer"), number: try row.int64("number"), hash: hash,
            at: try row.timestamp("head_at"), signature: try row.bytes("head_signature"))
    }
}

extension Archive {
    /// The latest signed head of every chain, in batches.
    package func auditHeads(_ body: ([AuditHead]) async throws -> Void) async throws {
        try await pool.withConnection { connection in
            try await connection.stream(
                """
                select h.writer, h.number, h.hash, h.at, h.signature
                from audit_chain c join audit_head h
                    on h.writer = c.writer and h.number = c.signed_number
                order by h.writer
                """, [], batchSize: Self.verifyBatch
            ) { rows in try await body(rows.map(AuditHead.init(row:))) }
        }
    }
}
