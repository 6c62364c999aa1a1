import Dispatch

/// Calls a function again and again on a queue of its own, so that deadlines are kept also
/// while all of Swift's threads are busy.
final class Ticker: Sendable {
    // Safe to share: after `init` it is only cancelled, which any thread may do.
    nonisolated(unsafe) private let source: any DispatchSourceTimer

    private let queue = DispatchQueue(label: "http.deadlines")

    init(every interval: Duration, _ body: @escaping @Sendable () -> Void) {
        let source = DispatchSource.makeTimerSource(queue: queue)
        let nanoseconds = Int(interval / .nanoseconds(1))
        source.schedule(
            deadline: .now() + .nanoseconds(nanoseconds), repeating: .nanoseconds(nanoseconds),
            leeway: .nanoseconds(nanoseconds / 4))
        source.setEventHandler(handler: body)
        source.activate()
        self.source = source
    }

    /// When this returns, the function is not running and will not be called again.
    func stop() {
        source.cancel()
        queue.sync {}
    }
}
