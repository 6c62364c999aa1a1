import Glibc

/// A connection to a listening socket of this machine that sends nothing.
struct Knock {
    private let descriptor: Int32

    /// Begins to connect; nil where the system has no socket left, or nobody listens there.
    ///
    /// - Parameter address: As it is listened at; an unspecified one leads to loopback.
    init?(address: String, port: UInt16) {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(address, String(port), &hints, &found) == 0, let found else {
            return nil
        }
        defer { freeaddrinfo(found) }
        let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        descriptor = socket(found.pointee.ai_family, type, 0)
        guard descriptor >= 0 else { return nil }
        let result = connect(descriptor, found.pointee.ai_addr, found.pointee.ai_addrlen)
        guard result == 0 || errno == EINPROGRESS else {
            close()
            return nil
        }
    }

    func close() { Glibc.close(descriptor) }
}
