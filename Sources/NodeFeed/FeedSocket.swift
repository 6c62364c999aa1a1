import CZeroMQ
import Foundation

/// A socket of libzmq with a context of its own.
///
/// Safe to send: libzmq's sockets may move between threads as long as one at a time uses them, with
/// a barrier between: a feed's own thread does, or whoever holds the publisher's lock.
final class FeedSocket: @unchecked Sendable {
    private let context: UnsafeMutableRawPointer
    private let socket: UnsafeMutableRawPointer
    private var isClosed = false

    /// - Parameter type: `ZMQ_SUB` or `ZMQ_PUB`.
    init(_ type: Int32) throws(FeedError) {
        guard let context = zmq_ctx_new() else { throw Self.failure("zmq_ctx_new") }
        guard let socket = zmq_socket(context, type) else {
            let error = Self.failure("zmq_socket")
            zmq_ctx_term(context)
            throw error
        }
        (self.context, self.socket) = (context, socket)
        // What was not sent is not waited for at the end.
        try set(ZMQ_LINGER, Int32(0))
    }

    deinit { close() }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        zmq_close(socket)
        // Interrupted by signals, and to be called again then.
        while zmq_ctx_term(context) != 0, zmq_errno() == EINTR {}
    }

    func set<Value: FixedWidthInteger>(_ option: Int32, _ value: Value) throws(FeedError) {
        let result = withUnsafeBytes(of: value) {
            zmq_setsockopt(socket, option, $0.baseAddress, $0.count)
        }
        try Self.check(result, "zmq_setsockopt")
    }

    func subscribe(to topic: String) throws(FeedError) {
        try Self.check(
            zmq_setsockopt(socket, ZMQ_SUBSCRIBE, topic, topic.utf8.count), "zmq_setsockopt")
    }

    /// Returns at once; the connection is made, and made again, meanwhile.
    func connect(to endpoint: FeedEndpoint) throws(FeedError) {
        try Self.check(zmq_connect(socket, endpoint.description), "zmq_connect")
    }

    /// Listens on loopback, at a port that is free.
    func bind() throws(FeedError) -> FeedEndpoint {
        try Self.check(zmq_bind(socket, "tcp://127.0.0.1:*"), "zmq_bind")
        var text = [CChar](repeating: 0, count: 256)
        var count = text.count
        try Self.check(
            zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, &text, &count), "zmq_getsockopt")
        return try FeedEndpoint(
            String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }

    /// False also where a signal came first.
    func isReadable(within milliseconds: Int) -> Bool {
        var item = zmq_pollitem_t(socket: socket, fd: 0, events: Int16(ZMQ_POLLIN), revents: 0)
        return zmq_poll(&item, 1, milliseconds) > 0
    }

    /// The next part of a message; nil where none waits.
    ///
    /// - Parameter body: given the bytes, and whether they are all of the message.
    func receive<Value>(_ body: (UnsafeRawBufferPointer, Bool) -> Value) -> Value? {
        var message = zmq_msg_t()
        zmq_msg_init(&message)
        defer { zmq_msg_close(&message) }
        guard zmq_msg_recv(&message, socket, ZMQ_DONTWAIT) >= 0 else { return nil }
        let bytes = UnsafeRawBufferPointer(
            start: zmq_msg_data(&message), count: zmq_msg_size(&message))
        return body(bytes, zmq_msg_more(&message) == 0)
    }

    func send(_ bytes: [UInt8]) throws(FeedError) {
        try Self.check(zmq_send(socket, bytes, bytes.count, ZMQ_DONTWAIT), "zmq_send")
    }

    private static func check(_ result: Int32, _ call: String) throws(FeedError) {
        if result < 0 { throw failure(call) }
    }

    private static func failure(_ call: String) -> FeedError {
        .failed(call: call, number: zmq_errno())
    }
}
