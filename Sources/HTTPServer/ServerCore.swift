import Synchronization

/// What all connections of a server share: the handler, the limits, the registry.
final class ServerCore: Sendable {
    typealias Handler = @Sendable (HTTPRequest) async -> HTTPResponse

    private struct Registry {
        var connections: [ObjectIdentifier: Connection] = [:]
        var admission: Admission
        var bodyBytes = 0
        var handlers = 0
        var isStopping = false
    }

    let configuration: HTTPServerConfiguration
    let handler: Handler
    private let registry: Mutex<Registry>

    init(configuration: HTTPServerConfiguration, handler: @escaping Handler) {
        self.configuration = configuration
        self.handler = handler
        self.registry = Mutex(
            Registry(
                admission: Admission(
                    connections: configuration.limits.connections,
                    connectionsPerAddress: configuration.limits.connectionsPerAddress)))
    }

    var isTLS: Bool { configuration.tls != nil }

    var isStopping: Bool { registry.withLock { $0.isStopping } }

    var connections: [Connection] { registry.withLock { Array($0.connections.values) } }

    /// From now on requests are refused and answers close their connections.
    func beginStopping() {
        registry.withLock { $0.isStopping = true }
    }

    /// Whether a connection may come in at all.
    func admits(_ address: AddressKey) -> Bool {
        registry.withLock { !$0.isStopping && $0.admission.decision(for: address) != .refuse }
    }

    func connectionStarted(
        _ handle: ConnectionHandle, socket: Int32, address: AddressKey, remoteAddress: String
    ) -> Connection {
        registry.withLock { registry in
            let decision = registry.admission.decision(for: address)
            registry.admission.entered(address, decision)
            let connection = Connection(
                core: self, handle: handle, socket: socket, address: address,
                remoteAddress: remoteAddress, admission: decision)
            registry.connections[ObjectIdentifier(connection)] = connection
            return connection
        }
    }

    func connectionClosed(_ connection: Connection) {
        connection.closed()
        registry.withLock { registry in
            registry.admission.left(connection.address, connection.admission)
            registry.connections[ObjectIdentifier(connection)] = nil
        }
    }

    /// Takes memory for a body from what all bodies share; false where it does not suffice.
    func reserveBody(_ count: Int) -> Bool {
        registry.withLock { registry in
            guard registry.bodyBytes + count <= configuration.limits.bodyBytesTogether else {
                return false
            }
            registry.bodyBytes += count
            return true
        }
    }

    func releaseBody(_ count: Int) {
        guard count > 0 else { return }
        registry.withLock { $0.bodyBytes -= count }
    }

    /// Counts a handler in; false where there are too many.
    func handlerStarts() -> Bool {
        registry.withLock { registry in
            guard registry.handlers < configuration.limits.handlers else { return false }
            registry.handlers += 1
            return true
        }
    }

    func handlerEnded() {
        registry.withLock { $0.handlers -= 1 }
    }

    /// Checks every connection's deadlines.
    func tick() {
        let now = ContinuousClock.now
        for connection in connections { connection.tick(now: now) }
    }
}
