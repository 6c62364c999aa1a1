import Synchronization

/// What all connections of a server share: the handler, the limits, the registry.
final class ServerCore: Sendable {
    typealias Handler = @Sendable (HTTPRequest) async -> HTTPResponse

    private struct Registry {
        var connections: [ObjectIdentifier: Connection] = [:]
        var admission: Admission
        /// Served, and no whole request has come: of the one that is on its way, or the first.
        var unfinished = UnfinishedRequests<ObjectIdentifier>()
        /// Served, and nothing of the next request has come.
        var idle = WaitingLine<ObjectIdentifier>()
        var displaced: Set<ObjectIdentifier> = []
        var bodyBytes = 0
        var handlers = 0
        var isStopping = false
        /// Connections that asked to come in, served or not.
        var arrivals: UInt64 = 0
        /// What new connections are greeted with; nil without TLS.
        var credentials: TLSCredentials?

        /// Who makes room: the oldest of those whose request does not come to its end, and only
        /// then of those who may ask again.
        ///
        /// - Parameter address: Of this address alone; nil for any.
        func displaceable(_ address: AddressKey?) -> ObjectIdentifier? {
            let isMeant = { id in address == nil || connections[id]?.address == address }
            return unfinished.first(where: isMeant) ?? idle.first(where: isMeant)
        }

        func decision(for address: AddressKey) -> Admission.Decision {
            // Whoever is answered or takes a stream keeps its place, so those are not divided.
            let hasShare = unfinished.hasShare(address, of: unfinished.count + idle.count)
            return admission.decision(for: address, hasShare: hasShare) {
                displaceable($0 ? address : nil) != nil
            }
        }

        mutating func displace(for address: AddressKey) -> Connection? {
            let isAddressFull = admission.isFull(address)
            guard let id = displaceable(isAddressFull ? address : nil),
                let connection = connections[id]
            else { return nil }
            unfinished.leave(id, of: connection.address)
            idle.leave(id)
            displaced.insert(id)
            admission.displaced(connection.address)
            return connection
        }
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
        registry.withLock { registry in
            registry.arrivals &+= 1
            return !registry.isStopping && registry.decision(for: address) != .refuse
        }
    }

    var arrivals: UInt64 { registry.withLock { $0.arrivals } }

    /// What connections that start from now on are greeted with.
    var credentials: TLSCredentials? {
        get { registry.withLock { $0.credentials } }
        set { registry.withLock { $0.credentials = newValue } }
    }

    func connectionStarted(
        _ handle: ConnectionHandle, socket: Int32, address: AddressKey, remoteAddress: String,
        credentials: TLSCredentials?
    ) -> Connection {
        let (connection, displaced) = registry.withLock { registry in
            let decision = registry.decision(for: address)
            let displaced = decision == .displace ? registry.displace(for: address) : nil
            let isServed = decision == .serve || displaced != nil
            registry.admission.entered(address, isServed: isServed)
            let connection = Connection(
                core: self, handle: handle, socket: socket, address: address,
                remoteAddress: remoteAddress, isServed: isServed, credentials: credentials)
            registry.connections[ObjectIdentifier(connection)] = connection
            if isServed { registry.unfinished.enter(ObjectIdentifier(connection), of: address) }
            return (connection, displaced)
        }
        // Not under the registry's lock: those of connections are taken before it.
        displaced?.cut(.displaced)
        return connection
    }

    func connectionClosed(_ connection: Connection) {
        connection.closed()
        registry.withLock { registry in
            let id = ObjectIdentifier(connection)
            registry.admission.left(
                connection.address, isServed: connection.isServed,
                wasDisplaced: registry.displaced.remove(id) != nil)
            registry.unfinished.leave(id, of: connection.address)
            registry.idle.leave(id)
            registry.connections[id] = nil
        }
    }

    /// The first bytes of a further request have come.
    func requestBegins(_ connection: Connection) {
        registry.withLock { registry in
            let id = ObjectIdentifier(connection)
            guard registry.idle.leave(id) else { return }
            registry.unfinished.enter(id, of: connection.address)
        }
    }

    /// The request is there, or will be answered without the rest of it: its place is its own
    /// until it was.
    func requestIsThere(_ connection: Connection) {
        registry.withLock {
            $0.unfinished.leave(ObjectIdentifier(connection), of: connection.address)
        }
    }

    /// The answer was sent.
    func requestIsOver(_ connection: Connection) {
        registry.withLock { registry in
            let id = ObjectIdentifier(connection)
            registry.unfinished.leave(id, of: connection.address)
            guard connection.isServed, registry.connections[id] != nil,
                !registry.displaced.contains(id)
            else { return }
            registry.idle.enter(id)
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
