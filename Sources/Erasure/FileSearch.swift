import Foundation

/// Looks for byte sequences in files.
package struct FileSearch {
    /// Read at once.
    private static let chunk = 1 << 20

    /// By their first eight bytes.
    private let sought: [UInt64: [[UInt8]]]
    /// Whether a sequence may begin with two bytes; a bit each.
    private var begins = [Bool](repeating: false, count: 1 << 16)
    private let longest: Int
    package private(set) var found: Set<[UInt8]> = []
    package private(set) var bytes: Int64 = 0

    /// - Parameter sequences: of at least eight bytes; shorter ones are not looked for.
    package init(_ sequences: [[UInt8]]) {
        let usable = Set(sequences.filter { $0.count >= 8 })
        sought = Dictionary(grouping: usable) { sequence in
            sequence.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        }
        longest = usable.map(\.count).max() ?? 0
        for sequence in usable { begins[Int(sequence[0]) << 8 | Int(sequence[1])] = true }
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
            let window = carried + data
            look(into: window)
            carried = Array(window.suffix(max(longest - 1, 0)))
            await Task.yield()
            if Task.isCancelled { return false }
        }
        return true
    }

    private mutating func look(into window: [UInt8]) {
        guard window.count >= 8, longest > 0 else { return }
        window.withUnsafeBufferPointer { window in
            for start in 0...(window.count - 8)
            where begins[Int(window[start]) << 8 | Int(window[start + 1])] {
                var first: UInt64 = 0
                for offset in 0..<8 { first = first << 8 | UInt64(window[start + offset]) }
                for sequence in sought[first] ?? []
                where window[start...].starts(with: sequence) { found.insert(sequence) }
            }
        }
    }
}
