import Foundation

/// A numeric address and a port to listen at.
package struct ListenAddress: Sendable, Equatable {
    /// IPv4 or IPv6, without brackets.
    package let address: String
    /// 0 takes a free one.
    package let port: UInt16

    package static let `default` = ListenAddress(address: "127.0.0.1", port: 8480)

    private init(address: String, port: UInt16) {
        self.address = address
        self.port = port
    }

    /// Of `127.0.0.1:8480` or `[::1]:8480`. Names are not taken, because what they lead to is
    /// known only when it is too late to refuse it. Nil for anything else.
    package init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"),
            let port = UInt16(text[text.index(after: colon)...])
        else { return nil }
        let host = text[..<colon]
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        let address = String(isBracketed ? host.dropFirst().dropLast() : host)
        guard Self.isNumeric(address, family: isBracketed ? AF_INET6 : AF_INET) else { return nil }
        self.init(address: address, port: port)
    }

    private static func isNumeric(_ address: String, family: Int32) -> Bool {
        var bytes = in6_addr()
        return withUnsafeMutableBytes(of: &bytes) { inet_pton(family, address, $0.baseAddress) }
            == 1
    }

    /// Whether only this machine reaches it.
    package var isLoopback: Bool {
        if Self.isNumeric(address, family: AF_INET) { return address.hasPrefix("127.") }
        var bytes = in6_addr()
        _ = inet_pton(AF_INET6, address, &bytes)
        return withUnsafeBytes(of: bytes) { $0.dropLast().allSatisfy { $0 == 0 } && $0.last == 1 }
    }

    /// As it was written, with another port.
    package func text(port: UInt16) -> String {
        address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)"
    }
}
