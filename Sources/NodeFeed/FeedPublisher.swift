import CZeroMQ
import Synchronization
import Ternary

/// The other side of a feed, as nodes have it: for nodes of one's own.
package final class FeedPublisher: Sendable {
    package let endpoint: FeedEndpoint
    private let socket: Mutex<FeedSocket>

    /// Listens on loopback, at a port that is free.
    ///
    /// - Throws: `FeedError.failed`.
    package init() throws(FeedError) {
        let socket = try FeedSocket(ZMQ_PUB)
        endpoint = try socket.bind()
        self.socket = Mutex(socket)
    }

    /// Tells of a transaction; who listens too slowly misses it.
    package func publish(_ message: FeedMessage) throws(FeedError) {
        // Value, tag, times, indexes, bundle, trunk and branch, which nobody here reads.
        let tag = String(repeating: "9", count: 27)
        try publish(
            "tx \(message.hash) \(message.address) 0 \(tag) 0 0 0 \(Hash.null) \(Hash.null)"
                + " \(Hash.null) 0 \(tag)")
    }

    /// Any text at all.
    package func publish(_ text: String) throws(FeedError) {
        try socket.withLock { socket throws(FeedError) in try socket.send(Array(text.utf8)) }
    }
}
