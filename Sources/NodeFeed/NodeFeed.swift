import CZeroMQ
import Foundation
import Synchronization

/// Listens to what a node publishes over ZeroMQ. A connection that is lost is made again by libzmq;
/// what was said meanwhile is missed, which a hint may be.
package final class NodeFeed: Sendable {
    /// Bytes of a message; those of transactions take some 400. libzmq leaves a feed that sends more
    /// for good, which whoever finds it silent mends by listening anew.
    private static let maximumMessageBytes: Int64 = 4096

    /// Messages of one feed that wait to be read; what comes beyond is dropped.
    private static let maximumWaiting: Int32 = 10_000

    /// Milliseconds after which the thread looks whether it is to end.
    private static let look = 200

    /// Milliseconds between looks whether the other side is still there, and until it is given up.
    private static let (heartbeat, heartbeatLimit): (Int32, Int32) = (30_000, 60_000)

    /// Between attempts to connect, doubled up to the longest.
    private static let (firstRetry, longestRetry): (Int32, Int32) = (500, 60_000)

    /// What came since the start.
    package struct Counts: Sendable, Equatable {
        package internal(set) var transactions = 0
        /// Messages that are not what their topic says.
        package internal(set) var malformed = 0

        package init() {}
    }

    private enum State {
        case running
        case ending([CheckedContinuation<Void, Never>])
        case ended
    }

    private let state = Mutex(State.running)
    private let counted = Mutex(Counts())

    /// Listens until `stop`.
    ///
    /// - Parameter hear: called on a thread of the feed's own, with what nobody has verified; keep it
    ///   short.
    /// - Throws: `FeedError.failed`.
    package init(
        _ endpoint: FeedEndpoint, hear: @escaping @Sendable (FeedMessage) -> Void
    ) throws(FeedError) {
        let socket = try FeedSocket(ZMQ_SUB)
        try socket.set(ZMQ_MAXMSGSIZE, Self.maximumMessageBytes)
        try socket.set(ZMQ_RCVHWM, Self.maximumWaiting)
        try socket.set(ZMQ_RECONNECT_IVL, Self.firstRetry)
        try socket.set(ZMQ_RECONNECT_IVL_MAX, Self.longestRetry)
        try socket.set(ZMQ_HEARTBEAT_IVL, Self.heartbeat)
        try socket.set(ZMQ_HEARTBEAT_TIMEOUT, Self.heartbeatLimit)
        try socket.set(ZMQ_IPV6, Int32(1))
        try socket.subscribe(to: FeedMessage.topic)
        try socket.connect(to: endpoint)
        Thread.detachNewThread { [self] in
            listen(socket, hear)
            socket.close()
            let waiting = state.withLock { state -> [CheckedContinuation<Void, Never>] in
                guard case .ending(let waiting) = state else { return [] }
                state = .ended
                return waiting
            }
            for continuation in waiting { continuation.resume() }
        }
    }

    /// What was heard so far.
    package var counts: Counts { counted.withLock { $0 } }

    /// Returns when nothing will be heard any more.
    package func stop() async {
        await withCheckedContinuation { continuation in
            let hasEnded = state.withLock { state in
                switch state {
                case .running: state = .ending([continuation])
                case .ending(let waiting): state = .ending(waiting + [continuation])
                case .ended: return true
                }
                return false
            }
            if hasEnded { continuation.resume() }
        }
    }

    private var isRunning: Bool {
        state.withLock { if case .running = $0 { true } else { false } }
    }

    private func listen(_ socket: FeedSocket, _ hear: (FeedMessage) -> Void) {
        while isRunning {
            guard socket.isReadable(within: Self.look) else { continue }
            // At most as many as may wait, so that the end is looked for also in a flood.
            for _ in 0..<Self.maximumWaiting {
                let heard = socket.receive { message, isWhole in
                    isWhole ? FeedMessage(message) : nil
                }
                guard let heard else { break }
                counted.withLock { counts in
                    if heard == nil { counts.malformed += 1 } else { counts.transactions += 1 }
                }
                if let message = heard { hear(message) }
            }
        }
    }
}
