/// Who has which connection of a pool and who waits: the decisions, without any effect.
///
/// Every connection open or being opened holds one of `capacity` slots. A waiter gets either a
/// connection or a free slot, with which it opens one itself, first come, first served.
package struct PoolState: Sendable {
    package typealias ConnectionID = UInt64
    package typealias WaiterID = UInt64

    package enum Grant: Equatable {
        case connection(ConnectionID, idleSince: ContinuousClock.Instant)
        case slot
    }

    package enum Request: Equatable {
        case granted(Grant)
        case queued
        case full
        case closed
    }

    package enum Release: Equatable {
        /// The connection is idle now.
        case kept
        /// The connection has to be closed.
        case close
        /// The waiter is to be given this.
        case handOver(WaiterID, Grant)
        /// The connection has to be closed, and the waiter gets its slot.
        case closeAndHandOver(WaiterID)
    }

    package let capacity: Int
    package let waiterLimit: Int
    package private(set) var isClosed = false
    /// Slots held by callers: connections in use or being opened.
    package private(set) var inUse = 0
    /// The last returned is used first, so that a quiet pool touches few connections.
    private var idle: [(id: ConnectionID, since: ContinuousClock.Instant)] = []
    private var waiters: [WaiterID] = []

    package init(capacity: Int, waiterLimit: Int) {
        self.capacity = max(1, capacity)
        self.waiterLimit = max(0, waiterLimit)
    }

    package var idleCount: Int { idle.count }
    package var waiterCount: Int { waiters.count }

    /// A caller asks; when `queued`, a later `Release` or `close` names the waiter.
    package mutating func request(_ waiter: WaiterID) -> Request {
        if isClosed { return .closed }
        if let entry = idle.popLast() {
            inUse += 1
            return .granted(.connection(entry.id, idleSince: entry.since))
        }
        if inUse < capacity {
            inUse += 1
            return .granted(.slot)
        }
        guard waiters.count < waiterLimit else { return .full }
        waiters.append(waiter)
        return .queued
    }

    /// A waiter gives up. False: it was already named in a `Release`, and owns what it got.
    package mutating func withdraw(_ waiter: WaiterID) -> Bool {
        guard let place = waiters.firstIndex(of: waiter) else { return false }
        waiters.remove(at: place)
        return true
    }

    /// A caller brings a connection back.
    package mutating func giveBack(
        _ connection: ConnectionID, reusable: Bool, now: ContinuousClock.Instant
    ) -> Release {
        guard reusable else { return giveBackSlot() }
        if isClosed {
            inUse -= 1
            return .close
        }
        if let waiter = nextWaiter() {
            return .handOver(waiter, .connection(connection, idleSince: now))
        }
        inUse -= 1
        idle.append((connection, now))
        return .kept
    }

    /// A caller gives back the slot of a connection that broke or could not be opened.
    package mutating func giveBackSlot() -> Release {
        if let waiter = nextWaiter() { return .closeAndHandOver(waiter) }
        inUse -= 1
        return .close
    }

    /// No more requests: returns who waits in vain and which connections are to be closed.
    package mutating func close() -> (waiters: [WaiterID], idle: [ConnectionID]) {
        isClosed = true
        defer {
            waiters = []
            idle = []
        }
        return (waiters, idle.map(\.id))
    }

    private mutating func nextWaiter() -> WaiterID? {
        waiters.isEmpty ? nil : waiters.removeFirst()
    }
}
