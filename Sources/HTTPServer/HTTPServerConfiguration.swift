import Foundation

/// How a server listens and what it puts up with.
package struct HTTPServerConfiguration: Sendable {
    /// A numeric address: `127.0.0.1`, `::1`, `0.0.0.0`, or `::` for IPv6 and IPv4 together.
    package var address: String
    /// 0 takes a free one, which the server's `port` then tells.
    package var port: UInt16
    /// Without it the server speaks plain HTTP.
    package var tls: HTTPTLS?
    package var limits: HTTPLimits
    package var deadlines: HTTPDeadlines
    /// Called after every exchange, on the thread that serves: it must return at once.
    package var observe: (@Sendable (HTTPExchange) -> Void)?

    package init(
        address: String = "127.0.0.1", port: UInt16 = 0, tls: HTTPTLS? = nil,
        limits: HTTPLimits = HTTPLimits(), deadlines: HTTPDeadlines = HTTPDeadlines(),
        observe: (@Sendable (HTTPExchange) -> Void)? = nil
    ) {
        self.address = address
        self.port = port
        self.tls = tls
        self.limits = limits
        self.deadlines = deadlines
        self.observe = observe
    }
}

/// A certificate chain and its private key, both PEM. TLS 1.2 and 1.3 are spoken.
package struct HTTPTLS: Sendable {
    package var certificate: [UInt8]
    package var key: [UInt8]

    package init(certificate: [UInt8], key: [UInt8]) {
        self.certificate = certificate
        self.key = key
    }

    /// When the certificate is over; nil where it does not say.
    ///
    /// - Throws: `HTTPServerError.tlsRefused` where they are no PEM or do not belong together.
    package func expiry() throws(HTTPServerError) -> Date? { try TLSCredentials(self).end }
}

/// Sizes and counts.
package struct HTTPLimits: Sendable, Hashable {
    /// Connections served at once, of which live streams may take many. Where all are taken a new
    /// one takes the place of the oldest whose request has not come; where each has one, a few
    /// more are answered with 503, the rest refused. An address that leaves many requests
    /// unfinished is refused at once then.
    package var connections = 2048
    /// Of these, from one IPv4 address or one IPv6 /64 network. Behind a proxy all
    /// connections come from one address: raise it to `connections` there, and none is refused
    /// for what its address leaves unfinished.
    package var connectionsPerAddress = 256
    /// Bytes of a request's header fields; more is answered with 431.
    package var headerBytes = 16 << 10
    /// Bytes of a request target; more is answered with 414.
    package var targetBytes = 8 << 10
    package var queryItems = HTTPRequest.defaultQueryItems
    /// Bytes of one body; more is answered with 413.
    package var bodyBytes = 1 << 20
    /// Bytes of all bodies held at once; a request beyond is answered with 503.
    package var bodyBytesTogether = 64 << 20
    /// Handlers and streams running at once, counting those that go on after their deadline or
    /// their client has passed; a request beyond is answered with 503.
    package var handlers = 4096
    /// Bytes of a stream that wait for its reader before the writer has to wait too.
    package var streamBufferBytes = 64 << 10

    package init() {}
}

/// How long the other side, or a handler, may take.
package struct HTTPDeadlines: Sendable, Hashable {
    /// For the whole header, from the connection's start or from the request line on.
    package var header: Duration = .seconds(10)
    /// For the whole body, from the end of the header on.
    package var body: Duration = .seconds(30)
    /// Until the handler has returned; then the answer is 503 and the handler's task cancelled.
    /// It does not bound how long a stream goes on.
    package var handler: Duration = .seconds(30)
    /// For the reader to take `ConnectionClock.leastProgress` bytes of what is ready for it.
    package var writeStall: Duration = .seconds(30)
    /// Between two requests of one connection.
    package var idle: Duration = .seconds(60)

    package init() {}

    /// How often the connections are looked at: often enough for the shortest deadline.
    var tick: Duration {
        let shortest = min(header, body, handler, writeStall, idle)
        return max(.milliseconds(10), min(.milliseconds(250), shortest / 4))
    }
}

/// What may be counted and logged about an exchange: neither target nor header fields.
package struct HTTPExchange: Sendable, Hashable {
    package enum Outcome: String, Sendable, Hashable, CaseIterable {
        /// The response was sent to its end.
        case completed
        /// The client left or broke the protocol.
        case disconnected
        /// A stream's body threw.
        case failed
        case headerDeadline, bodyDeadline, writeStall, shutdown
        /// Another needed the place, and the request was not all there.
        case displaced
    }

    /// A standard method, or `OTHER`, so that it can label a metric.
    package var method: String
    /// Nil where it did not come to an answer.
    package var status: Int?
    package var duration: Duration
    package var outcome: Outcome
}
