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

    /// Sends lines `NAME=value` as one message. Nobody there, or a queue that is full, is no reason
    /// to fail or to wait: the manager draws its own conclusions.
    ///
    /// - Returns: Whether it was sent.
    @discardableResult
    package func send(_ lines: [String]) -> Bool {
        let type = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(AF_UNIX, type, 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        let message = Array(lines.joined(separator: "\n").utf8)
        return address.withUnsafeBytes { address in
            let target = address.baseAddress?.assumingMemoryBound(to: sockaddr.self)
            let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
            let sent = sendto(
                descriptor, message, message.count, flags, target, socklen_t(address.count))
            return sent == message.count
        }
    }
}
