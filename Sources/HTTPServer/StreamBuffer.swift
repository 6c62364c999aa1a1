/// The bytes between a stream's writer and the socket: first in, first out, bounded.
package struct StreamBuffer: Sendable {
    /// Bytes to begin with: thousands of streams may be open with little to say.
    private static let leastBytes = 1 << 10
    /// Bytes kept for what comes when nothing waits.
    private static let keptBytes = 8 << 10

    package let capacity: Int
    private var storage: [UInt8]
    private var start = 0
    package private(set) var count = 0

    package init(capacity: Int) {
        self.capacity = max(1, capacity)
        self.storage = []
    }

    /// Whether a writer that had to wait should go on: at half full, so that reader and writer
    /// do not take turns byte by byte.
    package var hasRoom: Bool { count <= capacity / 2 }

    /// Takes as much as fits and says how much that was.
    package mutating func append(_ bytes: ArraySlice<UInt8>) -> Int {
        let taken = min(bytes.count, capacity - count)
        guard taken > 0 else { return 0 }
        grow(to: count + taken)
        let end = (start + count) % storage.count
        let first = min(taken, storage.count - end)
        let split = bytes.startIndex + first
        storage.replaceSubrange(end..<(end + first), with: bytes[bytes.startIndex..<split])
        storage.replaceSubrange(
            0..<(taken - first), with: bytes[split..<(bytes.startIndex + taken)])
        count += taken
        return taken
    }

    /// Moves as much as fits into `target` and says how much that was.
    package mutating func move(into target: UnsafeMutableRawBufferPointer) -> Int {
        let moved = min(target.count, count)
        guard moved > 0 else { return 0 }
        let first = min(moved, storage.count - start)
        storage.withUnsafeBytes { bytes in
            target.copyMemory(
                from: UnsafeRawBufferPointer(rebasing: bytes[start..<(start + first)]))
            UnsafeMutableRawBufferPointer(rebasing: target[first...])
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[0..<(moved - first)]))
        }
        start = (start + moved) % storage.count
        count -= moved
        // A stream that waits for what comes need not keep what it once took to get this far.
        if count == 0, storage.count > Self.keptBytes {
            storage = []
            start = 0
        }
        return moved
    }

    private mutating func grow(to needed: Int) {
        guard needed > storage.count else { return }
        var size = max(storage.count, Self.leastBytes)
        while size < needed { size *= 2 }
        var larger = [UInt8](repeating: 0, count: min(size, capacity))
        let first = min(count, storage.count - start)
        larger.replaceSubrange(0..<first, with: storage[start..<(start + first)])
        larger.replaceSubrange(first..<count, with: storage[0..<(count - first)])
        storage = larger
        start = 0
    }
}
