import Foundation
import Postgres
import Vault

/// What is stored: channels, keys, chains, messages, grants, requests.
///
/// A value over a pool and a vault; every method is one transaction, and everything that
/// enters or leaves a `sealed_…` column passes the vault here.
package struct Archive: Sendable {
    package let pool: PostgresPool
    package let vault: Vault
    /// What this process adds to the audit log; shared by all copies of this value.
    package let audit: AuditLog
    /// Shared by all copies of this value.
    let nodeStatements: NodeStatements
    /// From which messages may be read beside the primary; nil where there are none.
    package let replicas: Replicas?

    /// - Parameter auditPatience: How long reads may wait to be recorded before no more are
    ///   served.
    package init(
        pool: PostgresPool, vault: Vault, replicas: Replicas? = nil,
        auditPatience: Duration = AuditLog.patience
    ) {
        self.replicas = replicas
        self.pool = pool
        self.vault = vault
        audit = AuditLog(pool: pool, vault: vault, patience: auditPatience)
        nodeStatements = NodeStatements(pool)
    }
}
