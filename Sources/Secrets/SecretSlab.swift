import CSodium

/// One stretch of locked memory between guard pages, carved into slots of one size.
///
/// Unchecked, because `free` and `isUsed` are touched by `SecretArena` alone, within its lock, and
/// everything else is constant.
final class SecretSlab: @unchecked Sendable {
    let slotCapacity: Int
    /// Whether the system keeps these pages out of swap (and, on Linux, out of core dumps).
    let isLocked: Bool
    private let base: UnsafeMutableRawPointer
    private let byteCount: Int
    private let isGuarded: Bool
    private let slotCount: Int
    private var free: [UInt16]

    /// - Parameters:
    ///   - slotCapacity: bytes a slot, at least 1.
    ///   - slotCount: slots, 1...65535.
    init(slotCapacity: Int, slotCount: Int) {
        Sodium.start()
        self.slotCapacity = slotCapacity
        self.slotCount = slotCount
        byteCount = slotCapacity * slotCount
        if let guarded = sodium_malloc(byteCount) {
            base = guarded
            isGuarded = true
            // It has tried already, but does not say with what success.
            isLocked = sodium_mlock(guarded, byteCount) == 0
        } else {
            // Out of mappings: better a secret in plain memory, still wiped, than a process that ends.
            base = .allocate(byteCount: byteCount, alignment: 16)
            isGuarded = false
            isLocked = false
        }
        free = (0..<UInt16(slotCount)).reversed()
    }

    deinit {
        if isGuarded {
            sodium_free(base)
        } else {
            sodium_memzero(base, byteCount)
            base.deallocate()
        }
    }

    var hasFreeSlot: Bool { !free.isEmpty }
    var isUnused: Bool { free.count == slotCount }

    /// A free slot; there must be one.
    func take() -> UnsafeMutableRawPointer {
        base + Int(free.removeLast()) * slotCapacity
    }

    /// Wipes the slot and takes it back.
    func giveBack(_ slot: UnsafeMutableRawPointer) {
        sodium_memzero(slot, slotCapacity)
        free.append(UInt16((slot - base) / slotCapacity))
    }
}
