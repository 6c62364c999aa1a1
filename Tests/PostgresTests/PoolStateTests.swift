import Postgres
import Testing

@Suite("A pool's decisions")
struct PoolStateTests {
    private let now = ContinuousClock.now

    @Test("Slots are given out up to the capacity, then callers queue, then they are refused")
    func bounds() {
        var pool = PoolState(capacity: 2, waiterLimit: 2)
        #expect(pool.request(1) == .granted(.slot))
        #expect(pool.request(2) == .granted(.slot))
        #expect(pool.request(3) == .queued)
        #expect(pool.request(4) == .queued)
        #expect(pool.request(5) == .full)
        #expect(pool.inUse == 2)
        #expect(pool.waiterCount == 2)
    }

    @Test("Who came first is served first, and a withdrawn waiter is passed over")
    func order() {
        var pool = PoolState(capacity: 1, waiterLimit: 10)
        #expect(pool.request(1) == .granted(.slot))
        for waiter in UInt64(2)...5 { #expect(pool.request(waiter) == .queued) }
        #expect(pool.withdraw(3) == true)
        #expect(pool.withdraw(3) == false)
        let grant = PoolState.Grant.connection(77, idleSince: now)
        #expect(pool.giveBack(77, reusable: true, now: now) == .handOver(2, grant))
        #expect(pool.withdraw(2) == false, "who was served cannot withdraw")
        #expect(pool.giveBack(77, reusable: true, now: now) == .handOver(4, grant))
        #expect(pool.giveBack(77, reusable: true, now: now) == .handOver(5, grant))
        #expect(pool.giveBack(77, reusable: true, now: now) == .kept)
        #expect(pool.inUse == 0)
        #expect(pool.idleCount == 1)
        #expect(pool.request(6) == .granted(grant))
    }

    @Test("A broken connection's slot goes to the next waiter, or becomes free")
    func broken() {
        var pool = PoolState(capacity: 1, waiterLimit: 1)
        #expect(pool.request(1) == .granted(.slot))
        #expect(pool.request(2) == .queued)
        #expect(pool.giveBack(7, reusable: false, now: now) == .closeAndHandOver(2))
        #expect(pool.giveBackSlot() == .close)
        #expect(pool.inUse == 0)
        #expect(pool.request(3) == .granted(.slot))
    }

    @Test("After closing nobody gets anything, and what comes back is closed")
    func closing() {
        var pool = PoolState(capacity: 2, waiterLimit: 1)
        #expect(pool.request(1) == .granted(.slot))
        #expect(pool.request(2) == .granted(.slot))
        #expect(pool.giveBack(20, reusable: true, now: now) == .kept)
        #expect(pool.request(3) == .granted(.connection(20, idleSince: now)))
        #expect(pool.request(4) == .queued)
        #expect(
            pool.giveBack(10, reusable: true, now: now)
                == .handOver(4, .connection(10, idleSince: now)))
        #expect(pool.request(5) == .queued)
        let (waiters, idle) = pool.close()
        #expect(waiters == [5])
        #expect(idle.isEmpty)
        #expect(pool.request(6) == .closed)
        #expect(pool.giveBack(20, reusable: true, now: now) == .close)
        #expect(pool.giveBackSlot() == .close)
        #expect(pool.inUse == 0)
    }

    @Test("However callers come and go, slots never exceed the capacity and none is lost")
    func randomWalk() {
        let seed = UInt64.random(in: .min ... .max)
        var random = SplitMix(state: seed)
        var pool = PoolState(capacity: 3, waiterLimit: 4)
        var holders: [UInt64?] = []  // a connection, or nil for a bare slot
        var waiting: [UInt64] = []
        var next: UInt64 = 100
        var served = 0
        for _ in 0..<20_000 {
            next += 1
            switch random.next() % 5 {
            case 0, 1:
                switch pool.request(next) {
                case .granted(.connection(let id, _)): holders.append(id)
                case .granted(.slot): holders.append(nil)
                case .queued: waiting.append(next)
                case .full: #expect(waiting.count == 4, "seed \(seed)")
                case .closed: Issue.record("never closed, seed \(seed)")
                }
            case 2 where !waiting.isEmpty:
                let place = Int(random.next() % UInt64(waiting.count))
                let gone = waiting.remove(at: place)
                #expect(pool.withdraw(gone) == true, "seed \(seed)")
            default:
                guard !holders.isEmpty else { continue }
                let place = Int(random.next() % UInt64(holders.count))
                let held = holders.remove(at: place)
                let release =
                    held.map { pool.giveBack($0, reusable: random.next() % 2 == 0, now: now) }
                    ?? pool.giveBackSlot()
                switch release {
                case .kept, .close: #expect(waiting.isEmpty, "seed \(seed)")
                case .handOver(let waiter, .connection(let id, _)):
                    #expect(waiter == waiting.removeFirst(), "seed \(seed)")
                    holders.append(id)
                    served += 1
                case .handOver(let waiter, .slot), .closeAndHandOver(let waiter):
                    #expect(waiter == waiting.removeFirst(), "seed \(seed)")
                    holders.append(next)
                    served += 1
                }
            }
            #expect(pool.inUse == holders.count, "seed \(seed)")
            #expect(pool.inUse + pool.idleCount <= 3, "seed \(seed)")
            #expect(pool.waiterCount == waiting.count, "seed \(seed)")
        }
        #expect(served > 100, "seed \(seed)")
    }
}

/// Steele, Lea and Flood's SplitMix64: a walk that a seed repeats.
private struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}

@Suite("Which statements stay prepared")
struct StatementCacheTests {
    @Test("The least recently used goes first, and names are never used twice")
    func eviction() {
        func key(_ sql: String) -> StatementCache.Key { .init(sql: sql, types: [23]) }
        var cache = StatementCache(capacity: 2)
        #expect(cache.insert(key("a"), name: cache.freshName()) == nil)
        #expect(cache.insert(key("b"), name: cache.freshName()) == nil)
        #expect(cache.name(for: key("a")) == "s1")
        #expect(cache.insert(key("c"), name: cache.freshName()) == "s2")
        #expect(cache.name(for: key("b")) == nil)
        #expect(cache.name(for: key("a")) == "s1")
        #expect(cache.name(for: .init(sql: "a", types: [20])) == nil, "other types, another one")
        #expect(cache.count == 2)
        cache.removeAll()
        #expect(cache.count == 0)
        #expect(cache.freshName() == "s4")
    }
}
