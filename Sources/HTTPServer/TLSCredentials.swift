import CMicroHTTPD
import Foundation

/// A certificate chain and its key, parsed: what connections are greeted with.
///
/// Safe to share: only read after `init`; GnuTLS lets any number of sessions use one.
final class TLSCredentials: @unchecked Sendable {
    private let pointer: UnsafeMutableRawPointer

    /// - Throws: `HTTPServerError.tlsRefused`.
    init(_ tls: HTTPTLS) throws(HTTPServerError) {
        let (certificate, key) = (CText(tls.certificate), CText(tls.key))
        let made = withExtendedLifetime((certificate, key)) {
            http_make_credentials(certificate.pointer, key.pointer)
        }
        guard let made else { throw .tlsRefused }
        pointer = made
    }

    deinit { http_free_credentials(pointer) }

    /// When the certificate is over.
    var end: Date? {
        let seconds = http_credentials_end(pointer)
        return seconds < 0 ? nil : Date(timeIntervalSince1970: TimeInterval(seconds))
    }

    /// For a connection that has just started.
    func use(for connection: OpaquePointer) { http_use_credentials(connection, pointer) }
}

/// Text that C code reads for as long as this lives, overwritten afterwards.
final class CText: @unchecked Sendable {
    // Safe to share: written only in `init` and `deinit`.
    private let buffer: UnsafeMutableBufferPointer<CChar>

    var pointer: UnsafePointer<CChar>? { UnsafePointer(buffer.baseAddress) }

    init(_ bytes: [UInt8]) {
        buffer = .allocate(capacity: bytes.count + 1)
        _ = buffer.initialize(from: bytes.map(CChar.init(bitPattern:)) + [0])
    }

    deinit {
        if let start = buffer.baseAddress { explicit_bzero(start, buffer.count) }
        buffer.deallocate()
    }
}

/// What libmicrohttpd reads the certificate and key from.
final class TLSMaterial: Sendable {
    let key: CText
    let certificate: CText
    let priorities = CText(Array("NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2".utf8))

    init(_ tls: HTTPTLS) {
        key = CText(tls.key)
        certificate = CText(tls.certificate)
    }
}
