import CMicroHTTPD
import Dispatch
import Synchronization

/// A connection, from its start to its end. libmicrohttpd's thread, the tasks that answer and
/// the deadlines all meet here, under one lock.
///
/// Suspending and resuming happen only under that lock: a task that fills the buffer and the
/// thread that finds it empty could otherwise pass each other, and the connection would sleep
/// for ever.
final class Connection: Sendable {
    struct State {
        let handle: ConnectionHandle
        /// Nil once libmicrohttpd is about to close it: the number may then mean another file.
        var socket: Int32?
        var isSuspended = false
        var clock: ConnectionClock
        /// Why the connection was cut; nothing more is read or sent after that.
        var cut: HTTPExchange.Outcome?
        var exchange: Exchange?
        var exchangeCount: UInt64 = 0

        /// Only for the daemon's thread, from within its callbacks.
        mutating func suspend() {
            isSuspended = true
            MHD_suspend_connection(handle.pointer)
        }

        mutating func resume() {
            guard isSuspended else { return }
            isSuspended = false
            MHD_resume_connection(handle.pointer)
        }

        /// What the content reader returns for a stream that ends with the connection.
        func ended(failed: Bool) -> Int {
            http_free_soon(handle.pointer)
            return failed ? http_end_with_error() : http_end_of_stream()
        }

        /// Ends the connection and says which task to cancel once the lock is released.
        mutating func cut(_ outcome: HTTPExchange.Outcome) -> Task<Void, Never>? {
            guard cut == nil, let socket else { return nil }
            cut = outcome
            SocketProbe.cut(socket, discarding: outcome == .writeStall)
            exchange?.stream?.wake()
            resume()
            return exchange?.runningTask
        }
    }

    let core: ServerCore
    let address: AddressKey
    let remoteAddress: String
    /// Others are only told that there are too many.
    let isServed: Bool
    /// What it was greeted with, kept for as long as it lasts.
    let credentials: TLSCredentials?
    let state: Mutex<State>

    init(
        core: ServerCore, handle: ConnectionHandle, socket: Int32, address: AddressKey,
        remoteAddress: String, isServed: Bool, credentials: TLSCredentials?
    ) {
        self.credentials = credentials
        self.core = core
        self.address = address
        self.remoteAddress = remoteAddress
        self.isServed = isServed
        self.state = Mutex(
            State(handle: handle, socket: socket, clock: ConnectionClock(now: .now)))
    }

    /// Looks whether the other side is still there and every deadline is kept.
    func tick(now: ContinuousClock.Instant) {
        let deadlines = core.configuration.deadlines
        let task = state.withLock { state -> Task<Void, Never>? in
            guard let socket = state.socket, state.cut == nil else { return nil }
            // libmicrohttpd does not look at the socket of a suspended connection, and it misses
            // an end that arrived together with the last bytes it read.
            if state.isSuspended || state.clock.phase != .sending,
                SocketProbe.isGone(socket, isTLS: core.isTLS)
            {
                return state.cut(.disconnected)
            }
            var acknowledged: UInt64 = 0
            if state.clock.phase == .sending {
                acknowledged = SocketProbe.acknowledged(socket)
                if state.isSuspended, !SocketProbe.hasUnacknowledged(socket) {
                    state.clock.drained(now: now, acknowledged: acknowledged)
                }
            }
            switch state.clock.verdict(
                now: now, acknowledged: acknowledged, deadlines: deadlines)
            {
            case .inTime: return nil
            case .cut(let outcome): return state.cut(outcome)
            case .answerForHandler: return answerForHandler(&state, now: now)
            }
        }
        Self.cancel(task)
    }

    private func answerForHandler(
        _ state: inout State, now: ContinuousClock.Instant
    ) -> Task<Void, Never>? {
        guard case .handling = state.exchange?.stage else { return nil }
        state.exchange?.stage = .answered(.refusal(.handlerTooSlow))
        state.clock.answerStarted(now: now, acknowledged: 0)
        state.resume()
        return state.exchange?.runningTask
    }

    /// Ends the connection at once.
    func cut(_ outcome: HTTPExchange.Outcome) {
        Self.cancel(state.withLock { $0.cut(outcome) })
    }

    /// Ends the connection if no request is being read or answered.
    func cutIfIdle() {
        let task = state.withLock { state -> Task<Void, Never>? in
            guard case .awaitingRequest = state.clock.phase else { return nil }
            return state.cut(.completed)
        }
        Self.cancel(task)
    }

    /// Cancels elsewhere: cancelling runs whatever the handler wants to happen then, which may
    /// take this connection's lock, or its time.
    static func cancel(_ task: Task<Void, Never>?) {
        guard let task else { return }
        DispatchQueue.global().async { task.cancel() }
    }

    /// The daemon's last word about this connection.
    func closed() {
        state.withLock { $0.socket = nil }
    }
}

/// libmicrohttpd's connection.
///
/// Safe to send: the pointer is only used by the daemon's own thread, and, while the connection
/// is suspended and so cannot be freed, to resume it, which may be done from any thread.
struct ConnectionHandle: @unchecked Sendable {
    let pointer: OpaquePointer
}
