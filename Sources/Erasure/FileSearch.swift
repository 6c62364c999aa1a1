import Foundation

/// Looks for byte sequences in files.
package struct FileSearch {
    /// Read at once.
    private static let chunk = 1 << 20

    /// By their first eight bytes.
    private let sought: [UInt64: [[UInt8]]]
    /// Whether a sequence may begin with four bytes: a bit for each hash of them.
    private var begins = [UInt64](repeating: 0, count: 1 << (hashBits - 6))
    private static let hashBits = 18
    private let longest: Int
    /// Of the time, that is spent looking; the rest is others'.
    private let share: Double
    package private(set) var found: Set<[UInt8]> = []
    package private(set) var bytes: Int64 = 0

    /// - Parameters:
    ///   - sequences: of at least eight bytes; shorter ones are not looked for.
    ///   - share: above 0, at most 1.
    package init(_ sequences: [[UInt8]], share: Double = 1) {
        let usable = Set(sequences.filter { $0.count >= 8 })
        sought = Dictionary(grouping: usable) { sequence in
            sequence.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
        }
        longest = usable.map(\.count).max() ?? 0
        self.share = share
        for sequence in usable {
            let hash = Self.hash(sequence.withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) })
            begins[hash >> 6] |= 1 << UInt64(hash & 63)
        }
    }

    @inline(__always)
    private static func hash(_ bytes: UInt32) -> Int {
        Int(truncatingIfNeeded: (bytes &* 0x9e37_79b1) &>> UInt32(32 - hashBits))
    }

    /// Looks through a file, at most `limit` bytes of it.
    ///
    /// - Returns: False where the file cannot be read, or is there no more.
    package mutating func look(into path: String, limit: Int64 = .max) async -> Bool {
        guard let file = FileHandle(forReadingAtPath: path) else { return false }
        defer { try? file.close() }
        var carried: [UInt8] = []
        var left = limit
        while left > 0 {
            let data: Data
            do {
                // Nil at the file's end.
                data = try file.read(upToCount: Int(min(Int64(Self.chunk), left))) ?? Data()
            } catch {
                return false
            }
            guard !data.isEmpty else { return true }
            left -= Int64(data.count)
            bytes += Int64(data.count)
            let start = ContinuousClock.now
            let window = carried + data
            look(into: window)
            carried = Array(window.suffix(max(longest - 1, 0)))
            await rest(after: ContinuousClock.now - start)
            if Task.isCancelled { return false }
        }
        return true
    }

    private func rest(after work: Duration) async {
        guard share < 1 else { return await Task.yield() }
        // Cancelled, it looks no further.
        try? await Task.sleep(for: work * (1 / share - 1))
    }

    private mutating func look(into window: [UInt8]) {
        guard window.count >= 8, longest > 0 else { return }
        let begins = begins
        var places: [Int] = []
        window.withUnsafeBytes { window in
            begins.withUnsafeBufferPointer { begins in
                for start in 0...(window.count - 8) {
                    let hash = Self.hash(
                        window.loadUnaligned(fromByteOffset: start, as: UInt32.self))
                    if begins[hash >> 6] >> UInt64(hash & 63) & 1 != 0 { places.append(start) }
                }
            }
        }
        for start in places {
            let first = window.withUnsafeBytes {
                $0.loadUnaligned(fromByteOffset: start, as: UInt64.self)
            }
            for sequence in sought[first] ?? []
            where window[start...].starts(with: sequence) { found.insert(sequence) }
        }
    }
}
