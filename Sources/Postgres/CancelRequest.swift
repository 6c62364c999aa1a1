import CPostgreSQL
import Dispatch

/// The right to cancel what runs on one connection.
///
/// `@unchecked Sendable`: the `PGcancel` is never changed after it is made, `PQcancel` is
/// documented as safe to call from any thread, and it is freed when the last user is gone.
final class CancelHandle: @unchecked Sendable {
    private let handle: OpaquePointer

    /// nil when libpq is out of memory or not connected.
    init?(connection: OpaquePointer) {
        guard let handle = PQgetCancel(connection) else { return nil }
        self.handle = handle
    }

    deinit { PQfreeCancel(handle) }

    /// Blocks until the server has taken or refused the request. A failure needs no report:
    /// the statement then simply goes on, and its own deadline ends it.
    fileprivate func request() {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { text in
            _ = PQcancel(handle, text.baseAddress, Int32(text.count))
        }
    }
}

/// One cancel request under way. It runs on a thread of its own, because connecting to a
/// server that is gone may block for long.
final class CancelRequest {
    private let group = DispatchGroup()

    init(_ handle: CancelHandle) {
        DispatchQueue(label: "postgres.cancel").async(group: group) { handle.request() }
    }

    /// Waits until the request cannot strike a later statement any more.
    func isDone(within time: Duration) -> Bool {
        group.wait(timeout: .now() + .milliseconds(Int(time.milliseconds))) == .success
    }
}
