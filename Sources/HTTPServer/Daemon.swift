import CMicroHTTPD
import Glibc

/// libmicrohttpd's daemon: one thread with one epoll set.
///
/// Safe to share: after `init` the pointers are only read, and `stop`, which is called once, is
/// allowed on any thread but the daemon's own.
final class Daemon: @unchecked Sendable {
    private let pointer: OpaquePointer
    private let core: Unmanaged<ServerCore>
    let port: UInt16
    /// An event descriptor in the daemon's epoll set.
    private let waker: Int32
    private let tls: TLSMaterial?

    init(core: ServerCore) throws(HTTPServerError) {
        let configuration = core.configuration
        guard configuration.tls == nil || http_supports_tls() != 0 else { throw .tlsUnavailable }
        let listener = try ListeningSocket(
            address: configuration.address, port: configuration.port)
        let tls = configuration.tls.map(TLSMaterial.init)
        let retained = Unmanaged.passRetained(core)
        var settings = http_daemon_settings()
        settings.listening_socket = listener.descriptor
        // The registry decides; libmicrohttpd only has to let it.
        settings.connection_limit = UInt32(
            clamping: Admission.all(configuration.limits) + 1)
        settings.connection_memory = Self.connectionMemory(configuration.limits)
        settings.tls_key = tls?.key.pointer
        settings.tls_certificate = tls?.certificate.pointer
        settings.tls_priorities = tls?.priorities.pointer
        settings.context = retained.toOpaque()
        settings.accept_policy = mayAccept
        settings.access_handler = accessConnection
        settings.connection_changed = connectionChanged
        settings.request_completed = requestCompleted
        settings.request_line = requestLineArrived
        settings.unescape = leaveEscaped
        guard let pointer = http_start(&settings) else {
            // It has closed the listening socket.
            retained.release()
            if tls != nil { throw .tlsRefused }
            throw .cannotStart
        }
        let waker = http_make_waker(pointer)
        guard waker >= 0 else {
            MHD_stop_daemon(pointer)
            retained.release()
            throw .cannotStart
        }
        self.waker = waker
        self.pointer = pointer
        self.core = retained
        self.port = listener.port
        self.tls = tls
    }

    /// The memory of one connection: the header twice over (as it came, and libmicrohttpd's
    /// list of it), the target, and room to put the answer's header.
    private static func connectionMemory(_ limits: HTTPLimits) -> Int {
        max(32 << 10, 2 * limits.headerBytes + limits.targetBytes + (4 << 10))
    }

    /// Has the daemon look again at what it knows of. Not to be called once `stop` was.
    func wake() {
        http_wake(waker)
    }

    /// Ends the thread, closes the listening socket and frees everything. Blocks for as long as the thread needs. No
    /// connection may be suspended.
    func stop() {
        MHD_stop_daemon(pointer)
        close(waker)
        core.release()
    }
}
