import Ternary

/// Memory of its own that begins as zeros and is wiped when the last reference goes.
final class WipedMemory<Element: FixedWidthInteger & BitwiseCopyable> {
    let start: UnsafeMutablePointer<Element>
    let count: Int

    init(_ count: Int) {
        start = .allocate(capacity: count)
        start.initialize(repeating: 0, count: count)
        self.count = count
    }

    deinit {
        wipe(UnsafeMutableRawBufferPointer(start: start, count: count * Self.stride))
        start.deallocate()
    }

    private static var stride: Int { MemoryLayout<Element>.stride }

    var elements: UnsafeMutableBufferPointer<Element> {
        UnsafeMutableBufferPointer(start: start, count: count)
    }

    var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: start, count: count * Self.stride)
    }

    subscript(index: Int) -> Element {
        get { start[index] }
        set { start[index] = newValue }
    }
}

extension WipedMemory where Element == UInt8 {
    convenience init(copying bytes: some Collection<UInt8>) {
        self.init(bytes.count)
        for (index, byte) in bytes.enumerated() { start[index] = byte }
    }

    /// Writes bytes from `offset` on; returns the offset behind them.
    func write(_ bytes: some Sequence<UInt8>, at offset: Int) -> Int {
        var place = offset
        for byte in bytes {
            start[place] = byte
            place += 1
        }
        return place
    }
}
