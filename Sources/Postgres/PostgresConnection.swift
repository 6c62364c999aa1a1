import CPostgreSQL

/// One connection to PostgreSQL. Its statements run on a thread of their own, one at a time;
/// cancelling the calling task cancels the statement.
///
/// Errors are `PostgresError`. After `.connection` the connection is of no further use. An
/// `execute` outside a transaction that ends in `.connection` or `.cancelled` may still have
/// happened.
package actor PostgresConnection {
    /// Most rows that `query` returns: beyond this, `stream` is the way.
    package static let maximumRows = 100_000
    /// Most bytes of values that `query` returns, and about what one batch of `stream` may
    /// exceed by a row.
    package static let maximumResultBytes = 128 << 20
    /// Bytes of values after which a batch of `stream` is handed over before it is full.
    package static let maximumBatchBytes = 4 << 20
    /// How long ROLLBACK and other housekeeping may take before the connection is given up.
    private static let housekeepingLimit = Duration.seconds(5)
    /// How much longer than `statement_timeout` a silent server is waited for.
    private static let answerGrace = Duration.seconds(5)

    nonisolated private let executor = QueueExecutor(label: "postgres.connection")
    nonisolated package var unownedExecutor: UnownedSerialExecutor {
        executor.asUnownedSerialExecutor()
    }

    private let configuration: PostgresConfiguration
    private var session: Session?
    private var cache: StatementCache
    private var streaming: Reading?
    private var statementTimeout: Duration
    private var usesCachedStatement = false
    private var cacheIsStale = false

    private init(_ configuration: PostgresConfiguration) {
        self.configuration = configuration
        cache = StatementCache(capacity: configuration.preparedStatements)
        statementTimeout = configuration.statementTimeout
    }

    /// Opens a connection and sets its session's limits and time zone (UTC).
    package static func connect(
        _ configuration: PostgresConfiguration
    ) async throws(PostgresError) -> PostgresConnection {
        let connection = PostgresConnection(configuration)
        try await connection.open()
        return connection
    }

    private func open() throws(PostgresError) {
        let session = try Session.connect(configuration)
        self.session = session
        guard PQserverVersion(session.connection) >= 150_000 else {
            close()
            throw PostgresError(
                .configuration, operation: "connect", detail: "PostgreSQL 15 or newer is needed")
        }
        try run(
            """
            SET TIME ZONE 'UTC';
            SET statement_timeout = \(configuration.statementTimeout.milliseconds);
            SET lock_timeout = \(configuration.lockTimeout.milliseconds);
            SET idle_in_transaction_session_timeout = \
            \(configuration.idleInTransactionTimeout.milliseconds)
            """, operation: "connect", Patience(configuration.connectTimeout, cancellable: true))
    }

    /// Runs one statement and returns its rows.
    /// - Throws: `.tooManyRows` beyond `maximumRows` or `maximumResultBytes`.
    @discardableResult
    package func query(
        _ sql: String, _ parameters: [PostgresValue] = []
    ) throws(PostgresError) -> [PostgresRow] {
        var reading = Reading("query", patience)
        let session = try start(sql, parameters, &reading)
        try noticingStaleness { () throws(PostgresError) in
            try session.read(
                &reading, rowLimit: Self.maximumRows + 1, byteLimit: Self.maximumResultBytes + 1)
        }
        guard reading.atEnd else {
            session.abandon(&reading)
            throw PostgresError(
                .tooManyRows, operation: "query",
                detail: "at most \(Self.maximumRows) rows and \(Self.maximumResultBytes) bytes")
        }
        return reading.rows
    }

    /// What became of a statement, and whether the connection may be lent to others after it.
    struct OnlyQuery {
        let result: Result<[PostgresRow], PostgresError>
        let isReusable: Bool
    }

    /// The one statement of someone whom the connection is lent to.
    /// - Parameter asking: as in `isAlive`; nil does not look.
    /// - Returns: nil, and nothing was sent, where the connection does not work.
    func onlyQuery(
        _ sql: String, _ parameters: [PostgresValue], lookingFirst asking: Bool?
    ) -> OnlyQuery? {
        if let asking, !isAlive(asking: asking) { return nil }
        let result: Result<[PostgresRow], PostgresError>
        do { result = .success(try query(sql, parameters)) } catch { result = .failure(error) }
        return OnlyQuery(result: result, isReusable: isReusable)
    }

    /// Runs one statement and returns how many rows it touched; rows that it returns are dropped.
    @discardableResult
    package func execute(
        _ sql: String, _ parameters: [PostgresValue] = []
    ) throws(PostgresError) -> Int {
        var reading = Reading("execute", patience)
        let session = try start(sql, parameters, &reading)
        try noticingStaleness { () throws(PostgresError) in try session.finish(&reading) }
        return reading.affected
    }

    /// Runs any number of statements without parameters; outside a transaction they are one.
    package func script(_ sql: String) throws(PostgresError) {
        try run(sql, operation: "script", patience)
    }

    /// Hands the rows of one statement over in batches of at most `batchSize`; the next batch
    /// is read from the server only when `body` is done with the last. `body` runs where the
    /// caller runs. Until it ends, the connection refuses other statements, and the time that
    /// `body` takes counts towards `statement_timeout`.
    ///
    /// When `body` throws, the statement is cancelled and the error passed on.
    package nonisolated(nonsending) func stream(
        _ sql: String, _ parameters: [PostgresValue] = [], batchSize: Int = 256,
        _ body: nonisolated(nonsending) ([PostgresRow]) async throws -> Void
    ) async throws {
        try await startStream(sql, parameters)
        do {
            while let batch = try await nextBatch(max(1, batchSize)) { try await body(batch) }
        } catch {
            await endStream()
            throw error
        }
    }

    private func startStream(
        _ sql: String, _ parameters: [PostgresValue]
    ) throws(PostgresError) {
        var reading = Reading("stream", patience)
        _ = try start(sql, parameters, &reading)
        streaming = reading
    }

    private func nextBatch(_ size: Int) throws(PostgresError) -> [PostgresRow]? {
        guard var reading = streaming, let session else { return nil }
        guard !Task.isCancelled else { throw PostgresError(.cancelled, operation: "stream") }
        // Taken out while it is worked on, so that rows are appended in place.
        streaming = nil
        reading.rows.removeAll(keepingCapacity: true)
        reading.byteCount = 0
        if !reading.patience.cancellable || !session.cancelAsked { reading.patience = patience }
        defer { if !reading.atEnd { streaming = reading } }
        try noticingStaleness { () throws(PostgresError) in
            try session.read(&reading, rowLimit: size, byteLimit: Self.maximumBatchBytes)
        }
        return reading.rows.isEmpty ? nil : reading.rows
    }

    private func endStream() {
        guard var reading = streaming else { return }
        streaming = nil
        session?.abandon(&reading)
    }

    /// Closes the connection; every later call throws `.connection`.
    package func close() {
        session?.close()
        session = nil
        streaming = nil
    }
}

extension PostgresConnection {
    /// Waits for notifications of the channels that were listened to.
    func notifications() throws(PostgresError) -> [PostgresNotification] {
        guard let session else { throw PostgresError(.connection, operation: "listen") }
        return try session.waitForNotifications()
    }
}

extension PostgresConnection {
    func begin(
        _ mode: TransactionMode, statementTimeout limit: Duration?
    ) throws(PostgresError) {
        var sql = mode.beginStatement
        if let limit { sql += "; SET LOCAL statement_timeout = \(limit.milliseconds)" }
        StatementObserver.current?.sent(sql)
        try run(sql, operation: "begin", patience)
        statementTimeout = limit ?? configuration.statementTimeout
    }

    /// - Throws: `.commitUnknown`, `.transactionAborted`, or what the server reports, after
    ///   which nothing is committed.
    func commit(readOnly: Bool) throws(PostgresError) {
        defer { statementTimeout = configuration.statementTimeout }
        guard isAlive(asking: false) else { throw PostgresError(.connection, operation: "commit") }
        StatementObserver.current?.sent("COMMIT")
        let tag: String
        do {
            // Not cancellable: it is about to be decided, and the answer matters.
            tag = try run("COMMIT", operation: "commit", Patience(answerLimit, cancellable: false))
        } catch {
            guard error.kind == .connection, !readOnly else { throw error }
            throw PostgresError(
                .commitUnknown, operation: "commit", detail: error.detail,
                sqlState: error.sqlState)
        }
        guard tag == "COMMIT" else {
            throw PostgresError(.transactionAborted, operation: "commit")
        }
    }

    /// Undoes what is open, whatever state it is in; closes the connection if that fails.
    func rollback() {
        defer { statementTimeout = configuration.statementTimeout }
        endStream()
        guard let session, session.isOpen, session.transactionStatus != PQTRANS_IDLE else { return }
        do {
            let patience = Patience(Self.housekeepingLimit, cancellable: false)
            StatementObserver.current?.sent("ROLLBACK")
            try run("ROLLBACK", operation: "rollback", patience)
        } catch {
            close()
        }
    }

    /// Whether a transaction is open and has not failed.
    var isInTransaction: Bool { session?.transactionStatus == PQTRANS_INTRANS }

    /// Whether the pool may give it to someone else: open, and nothing left half done.
    var isReusable: Bool {
        guard let session else { return false }
        return session.isOpen && streaming == nil && session.transactionStatus == PQTRANS_IDLE
    }

    /// Whether it still works, as far as can be seen.
    /// - Parameter asking: ask the server, even if nothing on the socket gives reason to.
    func isAlive(asking: Bool) -> Bool {
        guard let session, session.isOpen else { return false }
        guard asking || session.hasInput else { return true }
        do {
            let patience = Patience(Self.housekeepingLimit, cancellable: false)
            try run("", operation: "check connection", patience)
            return true
        } catch {
            return false
        }
    }
}

extension PostgresConnection {
    private var answerLimit: Duration {
        statementTimeout > .zero ? statementTimeout + Self.answerGrace : .zero
    }

    private var patience: Patience { Patience(answerLimit, cancellable: true) }

    private func idleSession(_ reading: Reading) throws(PostgresError) -> Session {
        guard let session, session.isOpen else {
            throw PostgresError(
                .connection, operation: reading.operation, detail: "the connection is closed")
        }
        guard streaming == nil else {
            throw PostgresError(
                .protocolViolation, operation: reading.operation,
                detail: "a stream is under way on this connection")
        }
        if reading.patience.cancellable, Task.isCancelled {
            throw PostgresError(.cancelled, operation: reading.operation)
        }
        return session
    }

    /// Runs a text of statements with the simple protocol; returns the last command tag.
    @discardableResult
    private func run(
        _ sql: String, operation: String, _ patience: Patience
    ) throws(PostgresError) -> String {
        var reading = Reading(operation, patience)
        let session = try idleSession(reading)
        try session.begin(&reading) { PQsendQuery($0, sql) }
        try session.finish(&reading)
        return reading.commandTag
    }

    /// Sends a statement off, prepared if need be; its results are still to be read.
    private func start(
        _ sql: String, _ parameters: [PostgresValue], _ reading: inout Reading
    ) throws(PostgresError) -> Session {
        let session = try idleSession(reading)
        StatementObserver.current?.sent(sql)
        let encoded = try BinaryParameters(parameters)
        if cacheIsStale, session.transactionStatus != PQTRANS_INERROR {
            try run("DEALLOCATE ALL", operation: "prepare", reading.patience)
            cache.removeAll()
            cacheIsStale = false
        }
        let key = StatementCache.Key(sql: sql, types: encoded.types)
        let cached = cache.name(for: key)
        usesCachedStatement = cached != nil
        let name: String
        if let cached { name = cached } else { name = try prepare(key, session, reading.patience) }
        try session.begin(&reading) { connection in
            encoded.withPointers { values, lengths, formats in
                PQsendQueryPrepared(
                    connection, name, Int32(values.count), values, lengths, formats, 1)
            }
        }
        return session
    }

    private func prepare(
        _ key: StatementCache.Key, _ session: Session, _ patience: Patience
    ) throws(PostgresError) -> String {
        let name = cache.freshName()
        var reading = Reading("prepare", patience)
        try session.begin(&reading) {
            PQsendPrepare($0, name, key.sql, Int32(key.types.count), key.types)
        }
        try session.finish(&reading)
        if let evicted = cache.insert(key, name: name) {
            try run("DEALLOCATE \(evicted)", operation: "prepare", patience)
        }
        return name
    }

    /// A statement that was prepared before a table changed, or that the server no longer has,
    /// fails; prepared anew it may succeed, so the error is made retryable.
    private func noticingStaleness(
        _ work: () throws(PostgresError) -> Void
    ) throws(PostgresError) {
        do { try work() } catch {
            guard usesCachedStatement, ["0A000", "26000"].contains(error.sqlState) else {
                throw error
            }
            cacheIsStale = true
            throw PostgresError(
                error.kind, operation: error.operation, subject: error.subject,
                detail: error.detail, sqlState: error.sqlState, retryable: true)
        }
    }
}
