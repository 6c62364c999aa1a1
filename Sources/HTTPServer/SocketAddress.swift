import CMicroHTTPD
import Glibc

/// What connections from one place have in common: an IPv4 address, or the first 64 bits of an
/// IPv6 address, which is what a single customer is given.
package struct AddressKey: Sendable, Hashable {
    package let bits: UInt64
    package let isIPv4: Bool

    package init(_ address: UnsafePointer<sockaddr>?) {
        guard let address else {
            bits = 0
            isIPv4 = false
            return
        }
        let raw = UnsafeRawPointer(address)
        if Int32(address.pointee.sa_family) == AF_INET {
            let ip = raw.loadUnaligned(as: sockaddr_in.self).sin_addr.s_addr
            bits = UInt64(UInt32(bigEndian: ip))
            isIPv4 = true
            return
        }
        let bytes = withUnsafeBytes(of: raw.loadUnaligned(as: sockaddr_in6.self).sin6_addr) {
            Array($0)
        }
        // ::ffff:0:0/96 is IPv4 on a socket of both families.
        let isMapped = bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
        isIPv4 = isMapped
        bits = (isMapped ? bytes[12...] : bytes[..<8]).reduce(0) { $0 << 8 | UInt64($1) }
    }
}

enum SocketAddress {
    /// The numeric address without port; an IPv4 address on a socket of both families is
    /// written as IPv4.
    static func text(_ address: UnsafePointer<sockaddr>?) -> String {
        guard let address else { return "unknown" }
        let size =
            Int32(address.pointee.sa_family) == AF_INET
            ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        guard
            getnameinfo(
                address, socklen_t(size), &host, socklen_t(host.count), nil, 0, NI_NUMERICHOST)
                == 0
        else { return "unknown" }
        let text = String(
            decoding: host.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        return text.hasPrefix("::ffff:") && text.contains(".") ? String(text.dropFirst(7)) : text
    }
}
