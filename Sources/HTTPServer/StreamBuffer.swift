/// The bytes between a stream's writer and the socket: first in, first out, bounded.
package struct StreamBuffer: Sendable {
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
        if storage.isEmpty { storage = [UInt8](repeating: 0, count: capacity) }
        let end = (start + count) % capacity
        let first = min(taken, capacity - end)
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
        let first = min(moved, capacity - start)
        storage.withUnsafeBytes { bytes in
            target.copyMemory(
                from: UnsafeRawBufferPointer(rebasing: bytes[start..<(start + first)]))
            UnsafeMutableRawBufferPointer(rebasing: target[first...])
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[0..<(moved - first)]))
        }
        start = (start + moved) % capacity
        count -= moved
        return moved
    }
}
