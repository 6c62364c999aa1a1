import Synchronization

/// Hands out slots of locked memory.
///
/// A mapping of its own for every secret costs 31 µs, and a process has room for some 16,000 of
/// them; so secrets of up to 4 KiB share slabs, one size class (a power of two) a slab.
final class SecretArena: Sendable {
    struct Slot {
        let memory: UnsafeMutableRawPointer
        let slab: SecretSlab
    }

    static let shared = SecretArena()

    private static let slabByteCount = 65_536
    private static let smallestSlot = 32
    /// What is larger gets a slab of its own, so that little of a slab lies unused.
    private static let largestSlot = 4_096

    private struct State {
        /// Slabs with a free slot, by size class.
        var available: [[SecretSlab]]
        var unlockedSlabs = 0
    }

    private let state: Mutex<State>

    private init() {
        state = Mutex(State(available: Array(repeating: [], count: Self.classCount)))
    }

    /// Whether all secret memory handed out so far could be locked.
    var isLocked: Bool { state.withLock { $0.unlockedSlabs == 0 } }

    /// A slot of at least `byteCount` bytes (1 or more); what is in it is undefined.
    func take(_ byteCount: Int) -> Slot {
        let index = Self.sizeClass(byteCount)
        return state.withLock { state in
            if let index, let slab = state.available[index].last {
                let slot = Slot(memory: slab.take(), slab: slab)
                if !slab.hasFreeSlot { state.available[index].removeLast() }
                return slot
            }
            let slab = Self.newSlab(index, byteCount)
            if !slab.isLocked { state.unlockedSlabs += 1 }
            let slot = Slot(memory: slab.take(), slab: slab)
            if let index, slab.hasFreeSlot { state.available[index].append(slab) }
            return slot
        }
    }

    /// Wipes a slot and takes it back.
    func giveBack(_ slot: Slot) {
        let unused: SecretSlab? = state.withLock { state in
            let slab = slot.slab
            let wasFull = !slab.hasFreeSlot
            slab.giveBack(slot.memory)
            guard let index = Self.sizeClass(slab.slotCapacity) else { return slab }
            if wasFull { state.available[index].append(slab) }
            // One empty slab stays, or a single secret that comes and goes would map and unmap.
            guard slab.isUnused, state.available[index].count > 1 else { return nil }
            state.available[index].removeAll { $0 === slab }
            return slab
        }
        // Unmapping is done here, outside the lock.
        _ = unused
    }

    private static let classCount =
        largestSlot.trailingZeroBitCount - smallestSlot.trailingZeroBitCount + 1

    /// Nil for what gets a slab of its own.
    private static func sizeClass(_ byteCount: Int) -> Int? {
        guard byteCount <= largestSlot else { return nil }
        let rounded = max(byteCount, smallestSlot)
        let exponent = Int.bitWidth - (rounded - 1).leadingZeroBitCount
        return exponent - smallestSlot.trailingZeroBitCount
    }

    private static func newSlab(_ sizeClass: Int?, _ byteCount: Int) -> SecretSlab {
        guard let sizeClass else { return SecretSlab(slotCapacity: byteCount, slotCount: 1) }
        let capacity = smallestSlot << sizeClass
        return SecretSlab(slotCapacity: capacity, slotCount: slabByteCount / capacity)
    }
}

/// How well secrets in memory are protected, to be told to the operator at the start.
package enum SecretMemory {
    /// Whether all secret memory so far is locked, so that it never reaches swap. Where it is
    /// not, the limit to raise is `RLIMIT_MEMLOCK` (`LimitMEMLOCK=` in a systemd unit).
    package static var isLocked: Bool { SecretArena.shared.isLocked }
}
