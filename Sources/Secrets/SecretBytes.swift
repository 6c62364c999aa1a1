import CSodium

/// Bytes of a key or another secret, in locked memory, wiped when the last reference goes.
///
/// They appear in no description, debug description or mirror, and there is no way to encode
/// them; who wants to see them calls `withBytes`.
///
/// Unchecked, because the memory is written in the initialiser alone, before anyone else has the
/// reference, and afterwards only read; a raw pointer is merely not marked as sendable.
package final class SecretBytes: @unchecked Sendable {
    /// Bytes, 0 or more.
    package let count: Int
    private let slot: SecretArena.Slot

    /// `count` zero bytes (a negative count is 0) that `fill` may change.
    package convenience init<E: Error>(
        count: Int, _ fill: (UnsafeMutableRawBufferPointer) throws(E) -> Void
    ) throws(E) {
        try self.init(
            count: count,
            fillFrom: { start throws(E) in
                try fill(UnsafeMutableRawBufferPointer(start: start, count: max(count, 0)))
            })
    }

    /// The same with the first byte's address, which is there for 0 bytes too.
    init<E: Error>(
        count: Int, fillFrom fill: (UnsafeMutablePointer<UInt8>) throws(E) -> Void
    ) throws(E) {
        self.count = max(count, 0)
        slot = SecretArena.shared.take(max(count, 1))
        let start = slot.memory.initializeMemory(as: UInt8.self, repeating: 0, count: self.count)
        try fill(start)
    }

    /// A copy; wiping the original is up to its owner (`wipe`).
    package convenience init(copying bytes: UnsafeRawBufferPointer) {
        self.init(count: bytes.count) { $0.copyMemory(from: bytes) }
    }

    /// A copy; wiping the original is up to its owner (`wipe`).
    package convenience init(copying bytes: some Collection<UInt8>) {
        self.init(count: bytes.count) { $0.copyBytes(from: bytes) }
    }

    /// A copy of the UTF-8 of `text`, such as a passphrase or token.
    package convenience init(copying text: String) {
        self.init(copying: text.utf8)
    }

    deinit {
        SecretArena.shared.giveBack(slot)
    }

    /// `count` random bytes.
    package static func random(_ count: Int) -> SecretBytes {
        Sodium.start()
        return SecretBytes(count: count, fillFrom: { randombytes_buf($0, max(count, 0)) })
    }

    /// Lets `body` see the bytes; the pointer ends with the call.
    package func withBytes<Result, E: Error>(
        _ body: (UnsafeRawBufferPointer) throws(E) -> Result
    ) throws(E) -> Result {
        defer { withExtendedLifetime(self) {} }
        return try body(UnsafeRawBufferPointer(start: slot.memory, count: count))
    }

    /// The same with the first byte's address, which is there for 0 bytes too.
    func withStart<Result, E: Error>(
        _ body: (UnsafePointer<UInt8>) throws(E) -> Result
    ) throws(E) -> Result {
        defer { withExtendedLifetime(self) {} }
        return try body(UnsafePointer(slot.memory.assumingMemoryBound(to: UInt8.self)))
    }
}

extension SecretBytes: Equatable {
    /// Takes a time that depends on the lengths only.
    package static func == (left: SecretBytes, right: SecretBytes) -> Bool {
        guard left.count == right.count else { return false }
        return left.withStart { a in
            right.withStart { b in sodium_memcmp(a, b, left.count) == 0 }
        }
    }
}

extension SecretBytes: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "(secret)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: [], displayStyle: .class) }
}
