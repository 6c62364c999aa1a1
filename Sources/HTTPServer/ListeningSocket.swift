import Glibc

/// A bound socket that listens, and the port it got.
struct ListeningSocket: Sendable {
    let descriptor: Int32
    let port: UInt16

    /// Connections the kernel keeps until they are accepted, if it lets us: what is beyond has to
    /// come again, a second later at the earliest.
    private static let backlog: Int32 = 4096

    init(address: String, port: UInt16) throws(HTTPServerError) {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(address, String(port), &hints, &found) == 0, let found else {
            throw .malformedAddress(address)
        }
        defer { freeaddrinfo(found) }
        let endpoint = address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)"
        let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(found.pointee.ai_family, type, 0)
        guard descriptor >= 0 else { throw Self.failure(endpoint) }
        // A restarted server must not wait for the old one's connections to leave TIME_WAIT.
        Self.set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
        if found.pointee.ai_family == AF_INET6 {
            Self.set(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, address == "::" ? 0 : 1)
        }
        guard bind(descriptor, found.pointee.ai_addr, found.pointee.ai_addrlen) == 0,
            listen(descriptor, Self.backlog) == 0,
            let bound = Self.boundPort(descriptor)
        else {
            let failure = Self.failure(endpoint)
            close(descriptor)
            throw failure
        }
        self.descriptor = descriptor
        self.port = bound
    }

    private static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    private static func boundPort(_ descriptor: Int32) -> UInt16? {
        var storage = sockaddr_in6()
        var size = socklen_t(MemoryLayout<sockaddr_in6>.size)
        return withUnsafeMutablePointer(to: &storage) { pointer -> UInt16? in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address -> UInt16? in
                guard getsockname(descriptor, address, &size) == 0 else { return nil }
                // The port is at the same place in both families.
                return UInt16(
                    bigEndian: UnsafeRawPointer(address).loadUnaligned(
                        fromByteOffset: 2, as: UInt16.self))
            }
        }
    }

    private static func failure(_ endpoint: String) -> HTTPServerError {
        .cannotListen(endpoint: endpoint, reason: String(cString: strerror(errno)))
    }
}
