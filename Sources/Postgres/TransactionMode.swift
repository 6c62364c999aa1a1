/// How a transaction sees the work of others (PostgreSQL, *Transaction Isolation*).
package enum TransactionIsolation: String, Sendable {
    case readCommitted = "READ COMMITTED"
    case repeatableRead = "REPEATABLE READ"
    case serializable = "SERIALIZABLE"
}

struct TransactionMode {
    let readOnly: Bool
    /// nil: the server's default, READ COMMITTED unless configured otherwise.
    let isolation: TransactionIsolation?

    var beginStatement: String {
        let level = isolation.map { " ISOLATION LEVEL \($0.rawValue)" } ?? ""
        return "BEGIN\(level)\(readOnly ? " READ ONLY" : "")"
    }
}
