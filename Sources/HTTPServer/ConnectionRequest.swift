import CMicroHTTPD
import Synchronization

/// The way of a request through a connection. All of this runs on the daemon's thread, from
/// within its callbacks, and never waits.
extension Connection {
    /// A request line has arrived.
    func requestLineArrived(_ line: String) {
        core.requestBegins(self)
        let now = ContinuousClock.now
        let limits = core.configuration.limits
        state.withLock { state in
            state.clock.requestLineArrived(now: now)
            state.exchangeCount += 1
            state.exchange = Exchange(
                number: state.exchangeCount, began: now, requestLine: line, limits: limits)
        }
    }

    /// libmicrohttpd's access handler: once after the header, once for every piece of the body,
    /// once at its end, and again when the connection was resumed. False closes the connection.
    func proceed(
        method: String, version: String, piece: UnsafeRawBufferPointer
    ) -> Bool {
        switch state.withLock({ $0.cut == nil ? $0.exchange?.stage : nil }) {
        case nil: false
        case .header: headerEnded(method: method, version: version)
        case .body: piece.isEmpty ? requestEnded() : bodyArrived(piece)
        case .answered(let response): send(response)
        case .handling, .sending: true
        }
    }

    private func headerEnded(method: String, version: String) -> Bool {
        let handle = state.withLock { $0.handle }
        let headers = Self.headers(handle)
        let refusal: HTTPRequestError? =
            isServed ? (core.isStopping ? .shuttingDown : nil) : .tooManyConnections
        let step = state.withLock { state -> RequestIntake.Step in
            guard var exchange = state.exchange else { return .proceed }
            state.exchange = nil
            exchange.method = method
            exchange.knowsChunks = version != "HTTP/1.0"
            exchange.headers = headers
            exchange.stage = .body
            let step = exchange.intake.head(
                target: exchange.requestLine, headers: headers, refusal: refusal)
            state.exchange = exchange
            state.clock.headerEnded(now: .now)
            return step
        }
        switch step {
        // Answering here would close the connection; after the body it can be kept.
        case .proceed: return true
        case .answerAndClose(let error): return send(.refusal(error))
        }
    }

    private func bodyArrived(_ piece: UnsafeRawBufferPointer) -> Bool {
        state.withLock { state in
            var reserved = 0
            let goesOn = state.exchange?.intake.receive(piece) { count in
                guard core.reserveBody(count) else { return false }
                reserved = count
                return true
            }
            state.exchange?.reservedBytes += reserved
            return goesOn ?? false
        }
    }

    private func requestEnded() -> Bool {
        enum Next {
            case refuse(HTTPRequestError)
            case handle(UInt64, HTTPRequest)
        }
        let next = state.withLock { state -> Next? in
            guard let exchange = state.exchange else { return nil }
            if let refusal = exchange.intake.refusal { return .refuse(refusal) }
            guard core.handlerStarts() else { return .refuse(.busy) }
            guard let target = exchange.intake.target,
                let body = state.exchange?.intake.takeBody()
            else { return nil }
            state.exchange?.stage = .handling
            state.clock.requestEnded(now: .now)
            state.suspend()
            return .handle(
                exchange.number,
                HTTPRequest(
                    method: exchange.method, target: target, headers: exchange.headers,
                    body: body, remoteAddress: remoteAddress))
        }
        core.requestIsThere(self)
        switch next {
        case nil: return false
        case .refuse(let error): return send(.refusal(error))
        case .handle(let number, let request):
            start(number, request)
            return true
        }
    }

    private func start(_ number: UInt64, _ request: HTTPRequest) {
        let task = Task { await answer(number, request) }
        let isOver = state.withLock { state in
            guard state.cut == nil, state.exchange?.number == number else { return true }
            state.exchange?.task = task
            return false
        }
        if isOver { Self.cancel(task) }
    }

    /// The exchange is over: its answer was sent, or it never will be.
    func exchangeEnded(sentToTheEnd: Bool) {
        let now = ContinuousClock.now
        let ended = state.withLock { state -> (Exchange, HTTPExchange.Outcome)? in
            guard var exchange = state.exchange else { return nil }
            state.exchange = nil
            state.clock.exchangeEnded(now: now)
            exchange.stream?.wake()
            return (exchange, state.cut ?? exchange.outcome(sentToTheEnd: sentToTheEnd))
        }
        guard let (exchange, outcome) = ended else { return }
        core.requestIsOver(self)
        core.releaseBody(exchange.reservedBytes)
        Self.cancel(exchange.runningTask)
        core.configuration.observe?(
            HTTPExchange(
                method: exchange.methodLabel, status: exchange.status,
                duration: exchange.began.duration(to: now), outcome: outcome))
    }

    private static func headers(_ handle: ConnectionHandle) -> HTTPHeaders {
        var headers = HTTPHeaders()
        withUnsafeMutablePointer(to: &headers) {
            http_each_header(handle.pointer, appendHeader, $0)
        }
        return headers
    }
}

/// Appends one field to the `HTTPHeaders` at `context`.
private func appendHeader(
    context: UnsafeMutableRawPointer?, kind: MHD_ValueKind, name: UnsafePointer<CChar>?,
    nameCount: Int, value: UnsafePointer<CChar>?, valueCount: Int
) -> MHD_Result {
    guard let headers = context?.assumingMemoryBound(to: HTTPHeaders.self) else {
        return http_no()
    }
    headers.pointee.append(text(name, nameCount), text(value, valueCount))
    return http_yes()
}

/// Bytes that are no UTF-8 become replacement characters.
private func text(_ start: UnsafePointer<CChar>?, _ count: Int) -> String {
    String(
        decoding: UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : count),
        as: UTF8.self)
}
