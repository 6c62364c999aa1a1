import Secrets
import Vault

/// The key ring's copies, wrap and memory.
struct RingExamination {
    private let configuration: Configuration
    private let vault: Vault?

    init(_ configuration: Configuration, _ vault: Vault?) {
        (self.configuration, self.vault) = (configuration, vault)
    }

    func findings() -> [Finding] {
        guard let vault else {
            return [.skipped("copies of the key ring", because: "the key ring does not open")]
        }
        return copies(of: vault) + [wrap(of: vault), memory]
    }

    private func copies(of vault: Vault) -> [Finding] {
        let copies = vault.copies()
        guard !copies.isEmpty else {
            return [
                .warning(
                    "copies of the key ring", "there are none: with the ring everything is lost",
                    "permanode keyring backup --to FILE on another disk, and name it in PERMANODE_KEYRING_BACKUPS"
                )
            ]
        }
        return copies.map { copy in
            let check = "copy \(copy.name)"
            if copy.isCurrent { return .well(check, "is current") }
            return .failing(
                check, "is \(copy.standing.rawValue)\(copy.detail.map { ": \($0)" } ?? "")",
                "make it reachable: receipts are not final before; permanode keyring backup makes a missing one"
            )
        }
    }

    private func wrap(of vault: Vault) -> Finding {
        vault.wrapKind == .none
            ? .warning(
                "wrap of the key ring", "whoever takes the file can open it",
                "permanode keyring rotate with one of PERMANODE_KEYRING_PASSPHRASE_FILE, _KEY_FILE, _COMMAND"
            )
            : .well("wrap of the key ring", "is a \(vault.wrapKind.rawValue)")
    }

    private var memory: Finding {
        SecretMemory.isLocked
            ? .well("memory", "secrets lie in locked memory")
            : .warning(
                "memory", "secrets may be swapped out to disk",
                "raise the limit of locked memory (ulimit -l; LimitMEMLOCK=), or encrypt swap")
    }
}
