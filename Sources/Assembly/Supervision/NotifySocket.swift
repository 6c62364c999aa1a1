import Foundation

/// The datagram socket on which a service manager hears how a service stands (*sd_notify(3)*): a
/// path, or, with `@` in front, an abstract name.
package struct NotifySocket: Sendable {
    package static let variable = "NOTIFY_SOCKET"

    /// A socket address of the kernel's, without its padding.
    private let address: [UInt8]

    /// Nil where the environment names none, or one that is no address of a unix socket.
    package init?(_ environment: [String: String]) {
        guard let name = environment[Self.variable] else { return nil }
        self.init(name)
    }

    /// - Parameter name: Of another kind than a path or an abstract name (`vsock:…`) is not spoken to.
    package init?(_ name: String) {
        var path = Array(name.utf8)
        guard path.count > 1, !path.contains(0) else { return nil }
        switch path[0] {
        case UInt8(ascii: "/"): path.append(0)
        case UInt8(ascii: "@"): path[0] = 0
        default: return nil
        }
        guard path.count <= MemoryLayout.size(ofValue: sockaddr_un().sun_path) else { return nil }
        address = withUnsafeBytes(of: sa_family_t(AF_UNIX)) { Array($0) } + path
    }

    /// How long a change of state waits where the manager's queue is full, which ten messages may
    /// do: without it the manager would wait for that message itself, until it kills the service. One
    /// that reads nothing for longer is beyond help.
    package static let patience: Duration = .seconds(5)

    /// Sends lines `NAME=value` as one message. Nobody there is no reason to fail or to wait.
    ///
    /// - Parameter patience: How long it waits at most where the manager's queue is full; by default
    ///   not at all, as is right for what is said again soon.
    /// - Returns: Whether it was sent.
    @discardableResult
    package func send(_ lines: [String], patience: Duration = .zero) -> Bool {
        let type = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(AF_UNIX, type, 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var flags = Int32(MSG_NOSIGNAL)
        if patience >= .microseconds(1) {
            var limit = timeval(
                tv_sec: Int(patience.components.seconds),
                tv_usec: Int(patience.components.attoseconds / 1_000_000_000_000))
            let size = socklen_t(MemoryLayout<timeval>.size)
            guard setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size) == 0
            else { return false }
        } else {
            flags |= Int32(MSG_DONTWAIT)
        }
        let message = Array(lines.joined(separator: "\n").utf8)
        return address.withUnsafeBytes { address in
            let target = address.baseAddress?.assumingMemoryBound(to: sockaddr.self)
            var sent: Int
            repeat {
                sent = sendto(
                    descriptor, message, message.count, flags, target, socklen_t(address.count))
            } while sent < 0 && errno == EINTR
            return sent == message.count
        }
    }
}
