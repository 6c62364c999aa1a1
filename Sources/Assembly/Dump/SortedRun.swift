/// A file of entries in their order, 16 bytes each, little-endian: key, place.
final class SortedRun: Sendable {
    private static let entryBytes = 16
    /// Entries that are read at once to look for one.
    private static let blockEntries = 256

    private let file: IndexFile
    private let count: Int
    /// The first key of each block.
    private let fences: [UInt64]

    /// - Throws: `DumpError.indexDamaged` where it has not as many entries.
    init(path: String, count: Int64) throws(DumpError) {
        file = try IndexFile(path: path)
        self.count = Int(count)
        try Self.check(file, count, path)
        var fences: [UInt64] = []
        fences.reserveCapacity(self.count / Self.blockEntries + 1)
        for start in stride(from: 0, to: self.count, by: Self.blockEntries) {
            fences.append(
                try Self.entries(file, start..<start + 1).first?.key ?? .max)
        }
        self.fences = fences
    }

    /// - Throws: `DumpError.indexDamaged` where the file has not so many entries.
    private static func check(
        _ file: IndexFile, _ count: Int64, _ path: String
    ) throws(DumpError) {
        let (bytes, tooMany) = count.multipliedReportingOverflow(by: Int64(entryBytes))
        guard !tooMany, count >= 0, try file.byteCount() == bytes else {
            throw .indexDamaged(path: path)
        }
    }

    private static func entries(
        _ file: IndexFile, _ range: Range<Int>
    ) throws(DumpError) -> [DumpEntry] {
        let bytes = try file.read(
            range.count * entryBytes, at: Int64(range.lowerBound) * Int64(entryBytes))
        return bytes.withUnsafeBytes { bytes in
            (0..<bytes.count / entryBytes).map { index in
                func word(_ place: Int) -> UInt64 {
                    UInt64(
                        littleEndian: bytes.loadUnaligned(
                            fromByteOffset: index * entryBytes + place, as: UInt64.self))
                }
                return DumpEntry(key: word(0), place: DumpPlace(code: word(8)))
            }
        }
    }

    /// Adds the places of a key, until there are `limit`.
    func add(placesOf key: UInt64, to places: inout [DumpPlace], limit: Int) throws(DumpError) {
        // The block before the first that begins with it or with more may end with it.
        var block = max(0, Self.firstIndex(fences.count) { fences[$0] >= key } - 1)
        while block < fences.count, fences[block] <= key {
            let start = block * Self.blockEntries
            let entries = try Self.entries(file, start..<min(start + Self.blockEntries, count))
            let first = Self.firstIndex(entries.count) { entries[$0].key >= key }
            for entry in entries[first...] {
                guard entry.key == key, places.count < limit else { return }
                places.append(entry.place)
            }
            block += 1
        }
    }

    /// The first of `count` indexes at which a condition holds that holds for all after it.
    private static func firstIndex(_ count: Int, where holds: (Int) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if holds(middle) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    // MARK: Writing

    /// Writes entries into a new file, which is on the disk afterwards.
    private struct Writer {
        private static let bufferBytes = 1 << 20

        private let file: IndexFile
        private var buffer: [UInt8] = []
        private var offset: Int64 = 0

        init(path: String) throws(DumpError) {
            file = try IndexFile(path: path, writing: true, replacing: true)
            buffer.reserveCapacity(Self.bufferBytes)
        }

        mutating func write(_ entry: DumpEntry) throws(DumpError) {
            for word in [entry.key, entry.place.code] {
                withUnsafeBytes(of: word.littleEndian) { buffer.append(contentsOf: $0) }
            }
            if buffer.count >= Self.bufferBytes { try flush() }
        }

        private mutating func flush() throws(DumpError) {
            try file.write(buffer, at: offset)
            offset += Int64(buffer.count)
            buffer.removeAll(keepingCapacity: true)
        }

        mutating func end() throws(DumpError) {
            try flush()
            try file.sync()
        }
    }

    /// - Parameter entries: in their order.
    static func write(_ entries: [DumpEntry], to path: String) throws(DumpError) {
        var writer = try Writer(path: path)
        for entry in entries { try writer.write(entry) }
        try writer.end()
    }

    /// Reads a run from its beginning to its end.
    private struct Reader {
        private static let entriesAtOnce = 8192

        private let file: IndexFile
        private let count: Int
        private var next = 0
        private var block: ArraySlice<DumpEntry> = []

        init(path: String, count: Int64) throws(DumpError) {
            file = try IndexFile(path: path)
            self.count = Int(count)
            try SortedRun.check(file, count, path)
            try refill()
        }

        private mutating func refill() throws(DumpError) {
            let end = min(next + Self.entriesAtOnce, count)
            block = try SortedRun.entries(file, next..<end)[...]
            next = end
        }

        var first: DumpEntry? { block.first }

        mutating func drop() throws(DumpError) {
            block.removeFirst()
            if block.isEmpty, next < count { try refill() }
        }
    }

    /// Merges runs into one.
    static func merge(
        _ runs: [(path: String, count: Int64)], to path: String
    ) throws(DumpError) {
        var readers: [Reader] = []
        for run in runs { readers.append(try Reader(path: run.path, count: run.count)) }
        var writer = try Writer(path: path)
        while true {
            var smallest: (reader: Int, entry: DumpEntry)?
            for index in readers.indices {
                guard let entry = readers[index].first else { continue }
                if let known = smallest, known.entry <= entry { continue }
                smallest = (index, entry)
            }
            guard let (reader, entry) = smallest else { break }
            try writer.write(entry)
            try readers[reader].drop()
        }
        try writer.end()
    }
}
