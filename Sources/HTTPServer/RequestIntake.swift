/// Takes in one request: judges its header, then collects or discards its body.
package struct RequestIntake: Sendable {
    package enum Step: Sendable, Hashable {
        /// Go on to the body, then answer.
        case proceed
        /// Answer now and close: the rest of the request is not worth reading or cannot be read.
        case answerAndClose(HTTPRequestError)
    }

    /// Bytes of a body that are read and thrown away so that its sender gets to see the answer;
    /// closing a socket with unread bytes would reset the connection and lose it.
    package static let discardedBytes = 8 << 20

    package let limits: HTTPLimits
    /// Nil until the header was judged, and where the target is refused.
    package private(set) var target: RequestTarget?
    package private(set) var body: [UInt8] = []
    /// The answer once the request has ended, in place of a handler's.
    package private(set) var refusal: HTTPRequestError?
    private var discarded = 0

    package init(limits: HTTPLimits) { self.limits = limits }

    /// Judges the header. `refusal` is what was found wrong already.
    package mutating func head(
        target text: String, headers: HTTPHeaders, refusal: HTTPRequestError?
    ) -> Step {
        var length = 0
        switch Self.bodyLength(headers) {
        case .malformed: return .answerAndClose(.malformedFraming)
        case .unknown: break
        case .known(let count): length = count
        }
        do throws(HTTPRequestError) {
            if let refusal { throw refusal }
            target = try checkedTarget(text, headers: headers, bodyLength: length)
        } catch {
            self.refusal = error
            // Whoever expects 100 Continue has not sent the body yet and will not have to.
            if length > Self.discardedBytes || headers["Expect"] != nil {
                return .answerAndClose(error)
            }
        }
        return .proceed
    }

    private func checkedTarget(
        _ text: String, headers: HTTPHeaders, bodyLength: Int
    ) throws(HTTPRequestError) -> RequestTarget {
        guard text.utf8.count <= limits.targetBytes else {
            throw .targetTooLong(limit: limits.targetBytes)
        }
        guard headers.byteCount <= limits.headerBytes else {
            throw .headersTooLarge(limit: limits.headerBytes)
        }
        guard bodyLength <= limits.bodyBytes else {
            throw .bodyTooLarge(limit: limits.bodyBytes)
        }
        return try RequestTarget(text, maximumQueryItems: limits.queryItems)
    }

    /// Takes a piece of the body. False where so much was discarded that the connection
    /// should be cut. `reserve` asks for memory from what all bodies share.
    package mutating func receive(_ bytes: UnsafeRawBufferPointer, reserve: (Int) -> Bool) -> Bool {
        if refusal == nil {
            if body.count + bytes.count > limits.bodyBytes {
                refuse(.bodyTooLarge(limit: limits.bodyBytes))
            } else if !reserve(bytes.count) {
                refuse(.busy)
            } else {
                body.append(contentsOf: bytes)
                return true
            }
        }
        discarded += bytes.count
        return discarded <= Self.discardedBytes
    }

    /// Refuses the request; its body so far stays accounted for until the exchange ends.
    package mutating func refuse(_ error: HTTPRequestError) {
        refusal = error
        discarded = body.count
    }

    /// Hands over the body.
    package mutating func takeBody() -> [UInt8] {
        defer { body = [] }
        return body
    }

    private enum BodyLength {
        case known(Int), unknown, malformed
    }

    /// RFC 9112, 6.3, without what lets two readers of one request disagree: both fields at
    /// once, either twice, or a transfer coding other than chunked.
    private static func bodyLength(_ headers: HTTPHeaders) -> BodyLength {
        let codings = headers.values("Transfer-Encoding")
        let lengths = headers.values("Content-Length")
        if let coding = codings.first {
            return codings.count == 1 && lengths.isEmpty
                && HTTPHeaders.sameName(coding, "chunked") ? .unknown : .malformed
        }
        guard let text = lengths.first else { return .known(0) }
        guard lengths.count == 1, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let length = Int(text)
        else { return .malformed }
        return .known(length)
    }
}
