import CPostgreSQL

/// Where the database is and how long everything may take.
///
/// Its description and its mirror show host and database, never the URI or the password.
package struct PostgresConfiguration: Sendable {
    /// How long opening one connection may take, all its hosts together.
    package var connectTimeout: Duration = .seconds(10)
    /// `statement_timeout` of every session; `.zero` means none.
    package var statementTimeout: Duration = .seconds(30)
    /// `lock_timeout` of every session; `.zero` means none.
    package var lockTimeout: Duration = .seconds(10)
    /// `idle_in_transaction_session_timeout`: a caller that hangs must not hold locks for ever.
    package var idleInTransactionTimeout: Duration = .seconds(60)
    /// Prepared statements kept for each connection; 1 or more.
    package var preparedStatements = 128
    /// Most connections a pool opens; 1 or more.
    package var maximumConnections = 8
    /// Most callers that wait for a connection of the pool at once.
    package var maximumWaiters = 1_024
    /// How long a caller waits for a connection of the pool.
    package var waitTimeout: Duration = .seconds(10)
    /// A pooled connection that was idle for longer is asked for an answer before it is used.
    package var idleCheckAfter: Duration = .seconds(30)

    /// Libpq keywords and values; may hold a password.
    private(set) var settings: [String: String]

    /// - Parameter url: a libpq URI (`postgresql://…`) or `keyword=value` string. What it
    ///   leaves out comes from libpq's environment variables, password file and defaults.
    /// - Throws: `.configuration`; its text never quotes the URI.
    package init(url: String) throws(PostgresError) {
        try Self.refuseLeakingPassword(url)
        // The message is dropped: libpq quotes the URI in it.
        guard let options = PQconninfoParse(url, nil) else {
            throw Self.unusable("it is neither a postgresql:// URI nor keyword=value pairs")
        }
        defer { PQconninfoFree(options) }
        var settings: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val {
                settings[String(cString: keyword)] = String(cString: value)
            }
            option += 1
        }
        if let port = settings["port"], !port.allSatisfy({ $0.isASCII && $0.isNumber || $0 == "," })
        {
            throw Self.unusable("the port is no number")
        }
        for (keyword, value) in Self.fixed { settings[keyword] = value }
        for (keyword, value) in Self.defaults where settings[keyword] == nil {
            settings[keyword] = value
        }
        self.settings = settings
    }

    /// The same for another database of the server.
    package func with(database: String) -> PostgresConfiguration {
        var configuration = self
        configuration.settings["dbname"] = database
        return configuration
    }

    private static let fixed = ["client_encoding": "UTF8"]

    /// A dead peer is noticed within about a minute; on unix sockets these do nothing.
    private static let defaults = [
        "fallback_application_name": "permanode",
        "keepalives": "1", "keepalives_idle": "30", "keepalives_interval": "10",
        "keepalives_count": "3", "tcp_user_timeout": "60000",
    ]

    /// A password with an unescaped `@` or `/` would be taken for a host or a database, and
    /// so come to stand in messages.
    private static func refuseLeakingPassword(_ url: String) throws(PostgresError) {
        guard !url.utf8.contains(0) else { throw unusable("it holds a NUL") }
        guard let scheme = url.firstRange(of: "://") else { return }
        let rest = url[scheme.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        let query = rest.drop { $0 != "?" }
        let path = rest.dropFirst(authority.count).dropLast(query.count)
        let signs = authority.count { $0 == "@" }
        guard signs <= 1, !path.contains("@"), !query.prefix(while: { $0 != "=" }).contains("@")
        else { throw unusable("percent-encode @, / and ? in its user and password") }
    }

    private static func unusable(_ why: String) -> PostgresError {
        PostgresError(.configuration, operation: "read database URL", detail: why)
    }

    /// Host, port and database, for messages.
    var target: String {
        let host = settings["host"] ?? settings["hostaddr"] ?? "default host"
        let port = settings["port"].map { ":\($0)" } ?? ""
        return "\(host)\(port)/\(settings["dbname"] ?? settings["user"] ?? "")"
    }

    /// The text without the password, should libpq have put it there.
    func redacted(_ text: String) -> String {
        var text = text
        for keyword in ["password", "sslpassword"] {
            if let secret = settings[keyword], !secret.isEmpty {
                text = text.replacing(secret, with: "***")
            }
        }
        return text
    }
}

extension PostgresConfiguration: CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    package var description: String { "PostgreSQL at \(target)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["target": target]) }
}

extension Duration {
    /// Whole milliseconds, at least 0, within `Int32` as PostgreSQL's and poll's limits are.
    var milliseconds: Int32 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        guard seconds < 2_000_000 else { return 2_000_000_000 }
        return Int32(seconds * 1_000 + attoseconds / 1_000_000_000_000_000)
    }
}
