import CPostgreSQL

/// An error as the server or libpq reports it, and what of it becomes a `PostgresError`.
struct ServerReport {
    let sqlState: String?
    let message: String?
    let constraint: String?
    let column: String?
    let table: String?

    /// Longest message kept, in characters: enough for any of the server's own sentences.
    private static let messageLimit = 300

    /// Reads an error result. DETAIL, HINT and CONTEXT are never read: they quote rows.
    init(result: OpaquePointer) {
        // The letters of `PG_DIAG_…`, which Swift does not import.
        func field(_ code: Unicode.Scalar) -> String? {
            PQresultErrorField(result, Int32(code.value)).map { String(cString: $0) }
        }
        sqlState = field("C")
        message = field("M")
        constraint = field("n")
        column = field("c")
        table = field("t")
    }

    /// What libpq's text of a refused connection told.
    init(sqlState: String, message: String) {
        self.sqlState = sqlState
        self.message = message
        constraint = nil
        column = nil
        table = nil
    }

    /// - Parameter connectionLost: the connection is gone with this error, whatever its SQLSTATE.
    /// - Parameter cancelAsked: this side asked for the statement to be cancelled.
    /// - Parameter subject: what it was about, where the report names no constraint or table.
    func error(
        operation: String, connectionLost: Bool, cancelAsked: Bool, subject: String?
    ) -> PostgresError {
        var kind = sqlState.map { self.kind(ofState: $0) } ?? .protocolViolation
        if connectionLost { kind = .connection }
        if cancelAsked, sqlState == "57014" { kind = .cancelled }
        return PostgresError(
            kind, operation: operation, subject: constraint ?? column ?? table ?? subject,
            detail: safeMessage, sqlState: sqlState,
            // Insufficient resources: disk, memory. Whatever took them may let go of them again.
            retryable: kind == .resources ? sqlState?.hasPrefix("53") : nil)
    }

    /// The primary message where its SQLSTATE class words it from names only. Class 22 (data
    /// exceptions) quotes the value, P0 is free text of functions, unknown classes may be either.
    private var safeMessage: String? {
        guard let sqlState, let message, Self.classesWithoutValues.contains(sqlState.prefix(2))
        else { return nil }
        return String(message.prefix(Self.messageLimit))
    }

    private static let classesWithoutValues: Set<Substring> = [
        "08", "0A", "23", "25", "26", "28", "2D", "3D", "3F", "40", "42", "53", "54", "55", "57",
        "58", "XX",
    ]

    private func kind(ofState state: String) -> PostgresError.Kind {
        switch state {
        case "40001", "40P01": return .serialization
        case "57014", "55P03": return .timeout
        case "25P02": return .transactionAborted
        // Shutdown, crash, start-up, idle limits; 53300: every connection slot is taken.
        case "57P01", "57P02", "57P03", "57P04", "57P05", "25P03", "53300": return .connection
        default: break
        }
        switch state.prefix(2) {
        case "08": return .connection
        case "22": return .invalidValue
        case "23": return .constraint(constraint ?? column ?? "unnamed")
        case "28", "3D": return .login
        case "53", "54", "58": return .resources
        case "0A", "25", "26", "2D", "3F", "42", "55": return .statement
        default: return .server
        }
    }
}
