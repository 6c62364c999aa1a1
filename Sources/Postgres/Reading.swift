import CPostgreSQL
import Foundation

/// What has been read of one statement's (or one script's) results.
struct Reading {
    let operation: String
    var patience: Patience
    /// Rows that were not taken out yet.
    var rows: [PostgresRow] = []
    /// Bytes of their values.
    var byteCount = 0
    /// Rows that the last command touched, by its command tag.
    var affected = 0
    /// The last command tag: `COMMIT`, `INSERT 0 1`.
    var commandTag = ""
    var atEnd = false
    fileprivate var layout: ColumnLayout?
    fileprivate var failure: PostgresError?

    init(_ operation: String, _ patience: Patience) {
        self.operation = operation
        self.patience = patience
    }
}

extension Session {
    /// Hands a command to libpq and sends it off.
    /// - Parameter send: one of `PQsend…`; 0 for failure.
    func begin(
        _ reading: inout Reading, _ send: (OpaquePointer) -> Int32
    ) throws(PostgresError) {
        guard let connection, isOpen else {
            throw PostgresError(.connection, operation: reading.operation)
        }
        guard send(connection) == 1 else {
            let lost = !isOpen
            close()
            throw PostgresError(
                lost ? .connection : .protocolViolation, operation: reading.operation,
                detail: "libpq refused the command")
        }
        // Rows come one by one, so that their number can be bounded before they are in memory.
        _ = PQsetSingleRowMode(connection)
        while PQflush(connection) == 1 {
            let ready = try wait(
                for: POLLIN | POLLOUT, &reading.patience, operation: reading.operation)
            if ready & POLLIN != 0 { _ = PQconsumeInput(connection) }
        }
    }

    /// Reads on until there are `rowLimit` rows or `byteLimit` bytes, or to the end.
    /// - Throws: what the server reported, after the end was reached.
    func read(
        _ reading: inout Reading, rowLimit: Int, byteLimit: Int
    ) throws(PostgresError) {
        while !reading.atEnd, reading.rows.count < rowLimit, reading.byteCount < byteLimit {
            try step(&reading, keepRows: true)
        }
    }

    /// Reads to the end and drops what rows there are.
    func finish(_ reading: inout Reading) throws(PostgresError) {
        while !reading.atEnd { try step(&reading, keepRows: false) }
    }

    /// Cancels what is running and reads to its end, whatever that is. The connection is
    /// closed where that does not come about in time.
    func abandon(_ reading: inout Reading) {
        if reading.atEnd { return }
        reading.patience = Patience(Self.cancelGrace, cancellable: false)
        askCancel(&reading.patience)
        do { try finish(&reading) } catch {
            // The statement's own failure no longer matters to anyone.
            if !reading.atEnd { close() }
        }
    }

    private func step(_ reading: inout Reading, keepRows: Bool) throws(PostgresError) {
        guard let connection else {
            throw PostgresError(.connection, operation: reading.operation)
        }
        while PQisBusy(connection) == 1 {
            _ = try wait(for: POLLIN, &reading.patience, operation: reading.operation)
            // On failure PQgetResult does not block and gives the reason.
            if PQconsumeInput(connection) == 0 { break }
        }
        guard let result = PQgetResult(connection) else { return try end(&reading) }
        defer { PQclear(result) }
        switch PQresultStatus(result) {
        case PGRES_SINGLE_TUPLE:
            if keepRows { take(result, &reading) }
        case PGRES_TUPLES_OK, PGRES_COMMAND_OK:
            reading.commandTag = String(cString: PQcmdStatus(result))
            reading.affected = Int(String(cString: PQcmdTuples(result))) ?? 0
            reading.layout = nil
        case PGRES_FATAL_ERROR:
            let report = ServerReport(result: result)
            if reading.failure == nil {
                reading.failure = report.error(
                    operation: reading.operation, connectionLost: !isOpen,
                    cancelAsked: cancelAsked, subject: nil)
            }
        case PGRES_EMPTY_QUERY:
            break
        default:
            // COPY: its data would have to be moved before anything else can happen.
            close()
            throw PostgresError(
                .protocolViolation, operation: reading.operation, detail: "COPY is not supported")
        }
    }

    private func end(_ reading: inout Reading) throws(PostgresError) {
        reading.atEnd = true
        settleCancel()
        guard isOpen else {
            let detail = reading.failure?.detail ?? "the server closed the connection"
            let state = reading.failure?.sqlState
            close()
            throw PostgresError(
                .connection, operation: reading.operation, detail: detail, sqlState: state)
        }
        if let failure = reading.failure { throw failure }
    }

    private func take(_ result: OpaquePointer, _ reading: inout Reading) {
        let columns = PQnfields(result)
        let layout = reading.layout ?? ColumnLayout(result: result, count: columns)
        reading.layout = layout
        var bytes: [UInt8] = []
        var ranges: [Range<Int>?] = []
        ranges.reserveCapacity(Int(columns))
        bytes.reserveCapacity((0..<columns).reduce(0) { $0 + Int(PQgetlength(result, 0, $1)) })
        for column in 0..<columns {
            if PQgetisnull(result, 0, column) == 1 {
                ranges.append(nil)
                continue
            }
            let value = UnsafeRawBufferPointer(
                start: PQgetvalue(result, 0, column), count: Int(PQgetlength(result, 0, column)))
            ranges.append(bytes.count..<bytes.count + value.count)
            bytes.append(contentsOf: value)
        }
        reading.byteCount += bytes.count
        reading.rows.append(PostgresRow(layout: layout, bytes: bytes, ranges: ranges))
    }
}

extension ColumnLayout {
    fileprivate convenience init(result: OpaquePointer, count: Int32) {
        self.init(
            names: (0..<count).map { String(cString: PQfname(result, $0)) },
            types: (0..<count).map { PQftype(result, $0) })
    }
}
