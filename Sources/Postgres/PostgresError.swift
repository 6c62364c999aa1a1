import Failures

/// What went wrong between this process and PostgreSQL.
///
/// No text of it holds a parameter, a row's value, a password or a connection URI: see
/// `ServerReport` for what is let through of the server's own words.
package struct PostgresError: Failure, Equatable {
    package enum Kind: Sendable, Equatable {
        /// The connection settings cannot be used.
        case configuration
        /// No connection, or it was lost, and nothing that was asked for is committed
        /// unless it was a statement outside a transaction.
        case connection
        /// The server refuses this login or has no such database.
        case login
        /// The connection was lost while COMMIT was under way: look before repeating.
        case commitUnknown
        /// A constraint of this name (for NOT NULL: the column) refused a row; the SQLSTATE
        /// tells which sort it is.
        case constraint(String)
        /// Deadlock or serialization failure: the whole transaction may be repeated.
        case serialization
        /// The task was cancelled, and with it the statement.
        case cancelled
        /// A statement, lock or wait took longer than it may.
        case timeout
        /// No connection came free in time, or too many were waiting.
        case poolExhausted
        /// The pool has been shut down.
        case poolClosed
        /// An earlier statement of the transaction failed, so it was rolled back.
        case transactionAborted
        /// A parameter or computed value that its type does not hold.
        case invalidValue
        /// The statement is wrong, or not allowed to this user or here.
        case statement
        /// The server is out of disk, memory or another resource.
        case resources
        /// Libpq, the server or the caller did something out of turn.
        case protocolViolation
        /// A column that is missing, NULL or of another type than was asked for.
        case decoding
        /// More rows or bytes than one query may collect.
        case tooManyRows
        /// The database's schema and the migration files do not fit together.
        case migration
        /// Any other error of the server.
        case server
    }

    package let kind: Kind
    /// Five characters, see *PostgreSQL Error Codes*; nil where the error is not the server's.
    package let sqlState: String?
    package let operation: String
    package let subject: String?
    /// What an operator needs beyond the kind; free of values.
    package let detail: String?
    /// Whether repeating (within a transaction: all of it) may help.
    package let retryable: Bool

    init(
        _ kind: Kind, operation: String, subject: String? = nil, detail: String? = nil,
        sqlState: String? = nil, retryable: Bool? = nil
    ) {
        self.kind = kind
        self.operation = operation
        self.subject = subject
        self.detail = detail
        self.sqlState = sqlState
        self.retryable = retryable ?? kind.isTransient
    }

    package var code: String { "postgres.\(kind.name)" }

    package var publicText: String { kind.sentence }

    package var operatorText: String {
        var text = "\(operation): \(kind.sentence)"
        if let subject { text += " (\(subject))" }
        if let detail { text += ": \(detail)" }
        if let sqlState { text += " [SQLSTATE \(sqlState)]" }
        return text
    }

    /// Whether a unique constraint refused a row (SQLSTATE 23505).
    package var isUniqueViolation: Bool { sqlState == "23505" }

    /// Whether the server's disk is full (SQLSTATE 53100).
    package var isDiskFull: Bool { sqlState == "53100" }

    /// Whether a foreign key refused a row (SQLSTATE 23503).
    package var isForeignKeyViolation: Bool { sqlState == "23503" }
}

extension PostgresError.Kind {
    fileprivate var isTransient: Bool {
        switch self {
        case .connection, .serialization, .timeout, .poolExhausted: true
        default: false
        }
    }

    fileprivate var name: String {
        switch self {
        case .configuration: "configuration"
        case .connection: "connection-lost"
        case .login: "login-refused"
        case .commitUnknown: "commit-unknown"
        case .constraint: "constraint"
        case .serialization: "serialization"
        case .cancelled: "cancelled"
        case .timeout: "timeout"
        case .poolExhausted: "pool-exhausted"
        case .poolClosed: "pool-closed"
        case .transactionAborted: "transaction-aborted"
        case .invalidValue: "invalid-value"
        case .statement: "statement"
        case .resources: "resources"
        case .protocolViolation: "protocol"
        case .decoding: "decoding"
        case .tooManyRows: "too-many-rows"
        case .migration: "migration"
        case .server: "server"
        }
    }

    fileprivate var sentence: String {
        switch self {
        case .configuration: "the database settings cannot be used"
        case .connection: "the database is not reachable"
        case .login: "the database refuses this login"
        case .commitUnknown: "the database went away during a commit; its outcome is not known"
        case .constraint: "a constraint of the database refused a row"
        case .serialization: "another transaction got in the way"
        case .cancelled: "the statement was cancelled"
        case .timeout: "the database took too long"
        case .poolExhausted: "no database connection came free in time"
        case .poolClosed: "the database connections are shut down"
        case .transactionAborted: "the transaction had failed and was rolled back"
        case .invalidValue: "a value does not fit its type"
        case .statement: "the database refuses the statement"
        case .resources: "the database is out of resources"
        case .protocolViolation: "the conversation with the database went out of step"
        case .decoding: "a column is not what was expected"
        case .tooManyRows: "the result is too large"
        case .migration: "the database's schema does not fit this program"
        case .server: "the database reports an error"
        }
    }
}
