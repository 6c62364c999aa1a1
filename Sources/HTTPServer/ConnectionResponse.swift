import CMicroHTTPD
import Synchronization

/// The way of an answer through a connection.
extension Connection {
    /// Bytes of a stream for a client of HTTP/1.0, which knows no chunks, sent at once.
    private static let unchunkedBlock = 16 << 10

    /// Runs the handler, then the body of a stream. Runs on Swift's threads.
    func answer(_ number: UInt64, _ request: HTTPRequest) async {
        defer { core.handlerEnded() }
        let response = await core.handler(request)
        let hasBody = request.method != "HEAD" && !HTTPStatus.isBodiless(response.status)
        guard deliver(number, response), hasBody, case .stream(let body) = response.body else {
            return
        }
        do {
            try await body(StreamWriter(connection: self, number: number))
            streamEnded(number, failed: false)
        } catch {
            streamEnded(number, failed: true)
        }
    }

    /// Leaves the answer for the daemon's thread. False where it comes too late.
    private func deliver(_ number: UInt64, _ response: HTTPResponse) -> Bool {
        let capacity = core.configuration.limits.streamBufferBytes
        return state.withLock { state in
            guard state.cut == nil, state.exchange?.number == number,
                case .handling = state.exchange?.stage
            else { return false }
            state.exchange?.stage = .answered(response)
            state.exchange?.handlerReturned = true
            if case .stream = response.body {
                state.exchange?.stream = Exchange.Stream(buffer: StreamBuffer(capacity: capacity))
            }
            // The daemon's thread starts the clock for sending when it takes the answer.
            state.resume()
            return true
        }
    }

    /// Gives the answer to libmicrohttpd. On the daemon's thread.
    func send(_ response: HTTPResponse) -> Bool {
        core.requestIsThere(self)
        let (handle, isHead) = state.withLock { ($0.handle, $0.exchange?.method == "HEAD") }
        let mustClose = core.isStopping || !isServed
        var answer = response
        var made = make(answer, isHead: isHead, mustClose: mustClose)
        if made == nil {
            // A field that cannot be sent is the handler's mistake, and no half answer is sent.
            answer = .problem(
                ProblemDetails(
                    status: 500, code: "http.invalid-response",
                    detail: "The answer had a header field that cannot be sent."))
            made = make(answer, isHead: isHead, mustClose: mustClose)
        }
        guard let made else { return false }
        defer { MHD_destroy_response(made) }
        state.withLock { state in
            state.exchange?.stage = .sending
            state.exchange?.status = answer.status
            let acknowledged = state.socket.map(SocketProbe.acknowledged) ?? 0
            state.clock.answerStarted(now: .now, acknowledged: acknowledged)
        }
        return MHD_queue_response(handle.pointer, UInt32(clamping: answer.status), made)
            == http_yes()
    }

    private func make(
        _ response: HTTPResponse, isHead: Bool, mustClose: Bool
    ) -> OpaquePointer? {
        let made: OpaquePointer?
        switch response.body {
        case .bytes(let bytes):
            made = bytes.withUnsafeBytes { http_copied_response($0.count, $0.baseAddress) }
        case .stream:
            // Unretained: the daemon holds the connection until after its last read.
            made = http_streamed_response(
                Self.unchunkedBlock, readStream, Unmanaged.passUnretained(self).toOpaque(), nil)
        }
        guard let made else { return nil }
        if isHead, case .stream = response.body { http_forbid_chunks(made) }
        var fields = response.headers
        for name in ["Content-Length", "Transfer-Encoding", "Connection", "Date"] {
            fields.remove(name)
        }
        if mustClose { fields.append("Connection", "close") }
        for field in fields
        where MHD_add_response_header(made, field.name, field.value) != http_yes() {
            MHD_destroy_response(made)
            return nil
        }
        return made
    }

    /// libmicrohttpd's content reader: moves what is there, or suspends the connection until
    /// there is something. On the daemon's thread.
    fileprivate func read(into target: UnsafeMutableRawBufferPointer) -> Int {
        state.withLock { state in
            guard state.cut == nil, state.exchange?.stream != nil else {
                return state.ended(failed: true)
            }
            let isChunked = state.exchange?.knowsChunks == true
            let moved = state.exchange?.stream?.buffer.move(into: target) ?? 0
            if moved > 0 {
                if state.exchange?.stream?.buffer.hasRoom == true {
                    state.exchange?.stream?.wake()
                }
                return moved
            }
            if let failed = state.exchange?.stream?.failed {
                return failed || !isChunked
                    ? state.ended(failed: failed) : http_end_of_stream()
            }
            state.suspend()
            return 0
        }
    }
}

/// The content reader; `context` is the connection.
private func readStream(
    context: UnsafeMutableRawPointer?, position: UInt64, target: UnsafeMutablePointer<CChar>?,
    count: Int
) -> Int {
    guard let context else { return http_end_with_error() }
    return Unmanaged<Connection>.fromOpaque(context).takeUnretainedValue()
        .read(into: UnsafeMutableRawBufferPointer(start: target, count: count))
}
