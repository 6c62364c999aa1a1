import Compressors
import Synchronization

extension HTTPResponse {
    /// Bytes below which compressing saves less than its header takes.
    private static let leastCompressed = 512

    /// The same answer for a client that may like it compressed: with `Vary`, and as gzip where its
    /// Accept-Encoding asks for that.
    ///
    /// A stream that fails has no gzip trailer either.
    package func compressed(for request: HTTPRequest) -> HTTPResponse {
        var response = self
        response.headers.append("Vary", "Accept-Encoding")
        let wanted = HTTPPreferences(request.headers.values("Accept-Encoding"))
        guard wanted.wantsCoding("gzip", "x-gzip"), !HTTPStatus.isBodiless(status),
            headers["Content-Encoding"] == nil
        else { return response }
        switch body {
        case .bytes(let bytes):
            guard bytes.count >= Self.leastCompressed, let encoder = GzipEncoder() else {
                return response
            }
            var rest = bytes[...]
            var output: [UInt8] = []
            repeat {
                let piece = rest.prefix(GzipWriter.pieceBytes)
                rest = rest.dropFirst(piece.count)
                output += encoder.encode(piece, rest.isEmpty ? .finish : .none)
            } while !rest.isEmpty
            response.body = .bytes(output)
        case .stream(let write):
            response.body = .stream { next in
                guard let encoder = GzipEncoder() else { throw HTTPRequestError.busy }
                let writer = GzipWriter(encoder, next)
                try await write(writer)
                try await writer.finish()
            }
        }
        response.headers["Content-Encoding"] = "gzip"
        return response
    }
}

/// Compresses what is written. All of a write goes out with it, so that nobody waits for what is
/// there.
final class GzipWriter: HTTPBodyWriter {
    /// What is compressed at once: a few of them are held.
    fileprivate static let pieceBytes = 64 << 10

    private let encoder: Mutex<GzipEncoder>
    private let next: any HTTPBodyWriter

    fileprivate init(_ encoder: GzipEncoder, _ next: any HTTPBodyWriter) {
        self.encoder = Mutex(encoder)
        self.next = next
    }

    func write(_ bytes: [UInt8]) async throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = rest.prefix(Self.pieceBytes)
            rest = rest.dropFirst(piece.count)
            let isLast = rest.isEmpty
            let output = encoder.withLock { $0.encode(piece, isLast ? .sync : .none) }
            try await next.write(output)
        }
    }

    func finish() async throws {
        try await next.write(encoder.withLock { $0.encode([], .finish) })
    }
}
