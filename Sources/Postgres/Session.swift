import CPostgreSQL
import Foundation

/// How long to wait for the server, and whether the task's cancellation ends the statement.
struct Patience {
    var deadline: ContinuousClock.Instant?
    let cancellable: Bool

    /// - Parameter limit: `.zero` for none.
    init(_ limit: Duration, cancellable: Bool) {
        deadline = limit > .zero ? .now + limit : nil
        self.cancellable = cancellable
    }
}

/// One libpq connection in non-blocking mode. Blocks its thread in poll, never in libpq.
///
/// Not Sendable: it belongs to one actor, which runs on a thread that may block.
final class Session {
    /// How often a waiting statement looks whether its task was cancelled. The look costs a
    /// wake-up, and only while the server is thinking.
    private static let cancellationInterval = Duration.milliseconds(20)
    /// How long a cancelled statement has to end before the connection is given up.
    static let cancelGrace = Duration.seconds(5)

    private(set) var connection: OpaquePointer?
    private var cancelHandle: CancelHandle?
    private var cancelRequest: CancelRequest?

    private init(_ connection: OpaquePointer) { self.connection = connection }

    deinit { PQfinish(connection) }

    /// Opens a connection; blocks for at most the configured time (name resolution is the
    /// system's and has its own limits).
    static func connect(_ configuration: PostgresConfiguration) throws(PostgresError) -> Session {
        guard let connection = start(configuration.settings) else {
            throw PostgresError(.resources, operation: "connect", detail: "out of memory")
        }
        let session = Session(connection)
        // Libpq's own receiver prints notices on stderr, and they may quote values.
        PQsetNoticeReceiver(connection, { _, _ in }, nil)
        // Puts the SQLSTATE into the message: libpq tells it in no other way while connecting.
        PQsetErrorVerbosity(connection, PQERRORS_VERBOSE)
        var patience = Patience(configuration.connectTimeout, cancellable: true)
        var next =
            PQstatus(connection) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING
        while next != PGRES_POLLING_OK {
            guard next != PGRES_POLLING_FAILED else {
                throw connectFailure(connection, configuration)
            }
            _ = try session.wait(
                for: next == PGRES_POLLING_READING ? POLLIN : POLLOUT, &patience,
                operation: "connect")
            next = PQconnectPoll(connection)
        }
        session.cancelHandle = CancelHandle(connection: connection)
        guard PQsetnonblocking(connection, 1) == 0, session.cancelHandle != nil else {
            throw PostgresError(.resources, operation: "connect", detail: "out of memory")
        }
        return session
    }

    private static func start(_ settings: [String: String]) -> OpaquePointer? {
        var keywords = settings.keys.map { UnsafePointer(strdup($0)) } + [nil]
        var values = settings.values.map { UnsafePointer(strdup($0)) } + [nil]
        defer { (keywords + values).forEach { free(UnsafeMutableRawPointer(mutating: $0)) } }
        return PQconnectStartParams(&keywords, &values, 0)
    }

    private static func connectFailure(
        _ connection: OpaquePointer, _ configuration: PostgresConfiguration
    ) -> PostgresError {
        let text = PQerrorMessage(connection).map { String(cString: $0) } ?? ""
        let lines = configuration.redacted(text).split(separator: "\n")
        for line in lines {
            // `FATAL:  3D000: database "x" does not exist`
            guard let match = line.firstMatch(of: /:  ([0-9A-Z]{5}): (.*)/) else { continue }
            let report = ServerReport(sqlState: String(match.1), message: String(match.2))
            // 55000: the database takes no connections, by an operator's word or for a while.
            return report.error(
                operation: "connect", connectionLost: report.sqlState == "55000",
                cancelAsked: false,
                subject: configuration.target)
        }
        return PostgresError(
            .connection, operation: "connect", subject: configuration.target,
            detail: lines.first.map { String($0.prefix(300)) })
    }

    /// False once the connection was lost or closed.
    var isOpen: Bool {
        guard let connection else { return false }
        return PQstatus(connection) == CONNECTION_OK
    }

    var transactionStatus: PGTransactionStatusType {
        connection.map(PQtransactionStatus) ?? PQTRANS_UNKNOWN
    }

    /// Whether this side has asked for the running statement to be cancelled.
    var cancelAsked: Bool { cancelRequest != nil }

    func close() {
        PQfinish(connection)
        connection = nil
    }

    /// Whether the server has said something unasked, such as that it hangs up.
    var hasInput: Bool {
        var descriptor = pollfd(fd: PQsocket(connection), events: Int16(POLLIN), revents: 0)
        return poll(&descriptor, 1, 0) > 0
    }

    /// Waits until the socket is ready; returns poll's `revents`.
    func wait(
        for events: Int32, _ patience: inout Patience, operation: String
    ) throws(PostgresError) -> Int32 {
        while true {
            if patience.cancellable, cancelRequest == nil, Task.isCancelled {
                guard cancelHandle != nil else {
                    throw PostgresError(.cancelled, operation: operation)
                }
                askCancel(&patience)
            }
            let now = ContinuousClock.now
            var slice = Self.cancellationInterval
            if let deadline = patience.deadline {
                guard now < deadline else {
                    close()
                    throw PostgresError(
                        .connection, operation: operation, detail: "the server gave no answer")
                }
                slice = min(slice, deadline - now + .milliseconds(1))
            }
            var descriptor = pollfd(fd: PQsocket(connection), events: Int16(events), revents: 0)
            let ready = poll(&descriptor, 1, slice.milliseconds)
            if ready > 0 { return Int32(descriptor.revents) }
            guard ready == 0 || errno == EINTR else {
                close()
                throw PostgresError(.connection, operation: operation, detail: "poll failed")
            }
        }
    }

    /// Asks the server to end the running statement; its end still has to be read.
    func askCancel(_ patience: inout Patience) {
        guard cancelRequest == nil, let cancelHandle else { return }
        cancelRequest = CancelRequest(cancelHandle)
        let limit = ContinuousClock.now + Self.cancelGrace
        patience.deadline = patience.deadline.map { min($0, limit) } ?? limit
    }

    /// Called at a statement's end: a cancel request that is still under way would strike the
    /// next statement.
    func settleCancel() {
        if let cancelRequest, !cancelRequest.isDone(within: Self.cancelGrace) { close() }
        cancelRequest = nil
    }
}
