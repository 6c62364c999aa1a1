import Failures
import Foundation
import NodeClient
import Postgres
import Vault

/// Looks at everything an installation needs, and says of each what to do. It mends nothing, and
/// one thing that does not work keeps it from looking at no other.
package struct Doctor: Sendable {
    private let environment: [String: String]
    private let clock: @Sendable () -> Date

    package init(
        _ environment: [String: String], clock: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.environment = environment
        self.clock = clock
    }

    /// In the order in which things depend on each other.
    package func examine() async -> [Finding] {
        let configuration: Configuration
        do {
            configuration = try Configuration(environment, needs: [.database, .keyRing, .nodes])
        } catch {
            return error.problems.map {
                .failing(
                    "configuration", $0.text,
                    "set it as the README's table says, and start again")
            }
        }
        var findings = [Finding.well("configuration", "every variable can be used")]
        let vault = openVault(configuration, &findings)
        findings += RingExamination(configuration, vault).findings()
        findings += await DatabaseExamination(configuration, vault, clock: clock).findings()
        findings += await ReplicaExamination(configuration).findings()
        findings += await NodeExamination(configuration.nodes, clock: clock).findings()
        findings += MachineExamination(configuration).findings()
        findings += PermissionExamination(configuration, environment, clock: clock).findings()
        return findings
    }

    private func openVault(_ configuration: Configuration, _ findings: inout [Finding]) -> Vault? {
        do {
            let vault = try configuration.openVault(configuration.log(quietly: true))
            findings.append(
                .well("key ring", "opens, with \(vault.nodeCount) nodes"))
            return vault
        } catch {
            let why = (error as? any Failure)?.operatorText ?? "it cannot be opened"
            let advice =
                switch error {
                case VaultError.ringMissing:
                    "permanode init makes one for a new archive; permanode keyring restore takes a copy back"
                case VaultError.ringTooOpen: "chmod 600, and find out who may have read it"
                case VaultError.ringLocked:
                    "set PERMANODE_KEYRING_PASSPHRASE_FILE, _KEY_FILE or _COMMAND to what it is wrapped under"
                default: "permanode keyring restore takes a copy back"
                }
            findings.append(.failing("key ring", why, advice))
            return nil
        }
    }
}
