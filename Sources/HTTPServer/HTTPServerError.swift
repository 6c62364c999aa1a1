import Failures

/// Why a server could not start.
package enum HTTPServerError: Failure, Hashable {
    /// Not a numeric IPv4 or IPv6 address.
    case malformedAddress(String)
    /// `errno` of what listening came to: in use, not allowed, not an address of this host.
    case cannotListen(endpoint: String, reason: String)
    /// libmicrohttpd was built without TLS.
    case tlsUnavailable
    /// The certificate or key is not PEM, or they do not belong together.
    case tlsRefused
    /// libmicrohttpd did not start and does not say why.
    case cannotStart

    package var code: String {
        switch self {
        case .malformedAddress: "http.malformed-address"
        case .cannotListen: "http.cannot-listen"
        case .tlsUnavailable: "http.tls-unavailable"
        case .tlsRefused: "http.tls-refused"
        case .cannotStart: "http.cannot-start"
        }
    }

    package var operation: String { "start server" }

    package var subject: String? {
        switch self {
        case .malformedAddress(let address): address
        case .cannotListen(let endpoint, _): endpoint
        case .tlsUnavailable, .tlsRefused, .cannotStart: nil
        }
    }

    package var publicText: String {
        switch self {
        case .malformedAddress(let address):
            "\(address) is not a numeric IPv4 or IPv6 address to listen on."
        case .cannotListen(let endpoint, let reason): "Cannot listen on \(endpoint): \(reason)."
        case .tlsUnavailable: "This libmicrohttpd was built without TLS."
        case .tlsRefused: "The TLS certificate and key are not PEM or do not belong together."
        case .cannotStart: "libmicrohttpd could not start its thread."
        }
    }
}
