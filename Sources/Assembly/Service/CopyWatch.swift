import Diagnostics
import Vault

/// Brings copies of the key ring up to date that a forget did not reach, and tells of them.
struct CopyWatch {
    /// Between two looks; a copy that is current costs one look at its header.
    private static let interval: Duration = .seconds(15)

    private let vault: Vault
    private let log: Log
    private var nextLook = ContinuousClock.now
    private var late: [String: RingCopy.Standing] = [:]
    private let lateCount: Gauge?

    init(vault: Vault, log: Log, lateCount: Gauge?) {
        self.vault = vault
        self.log = log
        self.lateCount = lateCount
    }

    /// Looks where it is time to.
    mutating func look() async throws {
        guard ContinuousClock.now >= nextLook else { return }
        let copies = try await vault.waiting { $0.updateCopies() }
        nextLook = .now + Self.interval
        for copy in copies {
            let fields: LogFields = [
                "copy": .string(copy.name), "standing": .string(copy.standing.rawValue),
                "why": .string(copy.detail ?? ""),
            ]
            if copy.isCurrent, late[copy.name] != nil {
                log.info("a copy of the key ring is current again", fields)
            } else if !copy.isCurrent, late[copy.name] != copy.standing {
                log.warning(
                    "a copy of the key ring is not current: forgotten keys may be in it", fields)
            }
            late[copy.name] = copy.isCurrent ? nil : copy.standing
        }
        lateCount?.set(Double(late.count))
    }
}
