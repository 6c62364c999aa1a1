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

    package init(pool: PostgresPool, vault: Vault) {
        self.pool = pool
        self.vault = vault
    }
}
