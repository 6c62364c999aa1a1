import CMicroHTTPD
import Glibc

/// Looks at and cuts sockets that libmicrohttpd owns. Valid only between its *started* and
/// *closed* notifications for the connection.
enum SocketProbe {
    /// Linux's POLLRDHUP, which its header shows only to those who ask for GNU extensions.
    private static let peerEnded: Int16 = 0x2000

    /// Whether the other side has closed or reset the connection. Nothing is read. With unread
    /// bytes before the end that cannot be told, except that under TLS a half-closed
    /// connection is of no use, so there the end alone counts.
    static func isGone(_ socket: Int32, isTLS: Bool) -> Bool {
        if isTLS {
            var descriptor = pollfd(fd: socket, events: peerEnded, revents: 0)
            return poll(&descriptor, 1, 0) > 0
        }
        var byte: UInt8 = 0
        let count = recv(socket, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT))
        return count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)
    }

    /// Bytes the other side has acknowledged since the connection began; 0 where unknown.
    static func acknowledged(_ socket: Int32) -> UInt64 {
        UInt64(max(0, http_acknowledged(socket)))
    }

    /// Whether the kernel holds bytes that the other side has not acknowledged.
    static func hasUnacknowledged(_ socket: Int32) -> Bool {
        http_unacknowledged(socket) > 0
    }

    /// Ends both directions; libmicrohttpd notices and closes the socket. With `discarding`
    /// what the kernel still holds for a reader who does not read is dropped (a reset).
    static func cut(_ socket: Int32, discarding: Bool) {
        if discarding {
            var value = linger(l_onoff: 1, l_linger: 0)
            setsockopt(
                socket, SOL_SOCKET, SO_LINGER, &value, socklen_t(MemoryLayout<linger>.size))
        }
        shutdown(socket, Int32(SHUT_RDWR))
    }
}
