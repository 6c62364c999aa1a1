import Foundation
import Tangle
import Ternary

/// Finds transactions by the index, and reads them where they stand.
struct DumpLookup: Sendable {
    /// Places of one key that are looked at: as many as a node names for one address.
    static let placeLimit = 100_000

    let runs: [SortedRun]
    let inputs: [DumpState.Input]
    let spool: IndexFile

    /// In the order of inputs and lines.
    func places(_ key: UInt64, limit: Int = placeLimit) throws(DumpError) -> [DumpPlace] {
        var places: [DumpPlace] = []
        for run in runs { try run.add(placesOf: key, to: &places, limit: limit) }
        return places.sorted()
    }

    /// What stands there; nil where a file was replaced since.
    ///
    /// - Throws: `DumpError`.
    func record(at place: DumpPlace) throws(DumpError) -> DumpRecord? {
        if place.input == DumpPlace.spool {
            let bytes = try spool.read(DumpRecord.maximumBytes, at: place.offset)
            guard let record = DumpRecord(bytes) else { throw .indexDamaged(path: spool.path) }
            return record
        }
        guard inputs.indices.contains(place.input) else { throw .indexDamaged(path: spool.path) }
        let input = inputs[place.input]
        guard !input.isReplaced else { return nil }
        let (line, isWhole) = try Self.line(of: input.path, at: place.offset)
        guard let record = DumpRecord(line: line, milestone: input.milestone, isWhole: isWhole)
        else { throw .changed(path: input.path) }
        return record
    }

    /// The line that begins there, without its line end, and whether it has one.
    private static func line(
        of path: String, at offset: Int64
    ) throws(DumpError) -> (bytes: [UInt8], isWhole: Bool) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw errno == ENOENT ? .missing(path: path) : .unreadable(path: path, .last)
        }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: usualLineBytes)
        var filled = 0
        while true {
            let count = bytes.withUnsafeMutableBytes {
                pread(
                    descriptor, $0.baseAddress.map { $0 + filled }, $0.count - filled,
                    off_t(offset) + off_t(filled))
            }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw .unreadable(path: path, .last) }
            if let end = bytes[filled..<filled + count].firstIndex(of: UInt8(ascii: "\n")) {
                return (withoutReturn(bytes[..<end]), true)
            }
            filled += count
            guard count > 0, filled <= LineSplitter.maximumLineBytes else {
                return (withoutReturn(bytes[..<filled]), false)
            }
            if filled == bytes.count { bytes += [UInt8](repeating: 0, count: bytes.count) }
        }
    }

    /// A little more than a line of a `.dmp` file.
    private static let usualLineBytes = 3072

    private static func withoutReturn(_ line: ArraySlice<UInt8>) -> [UInt8] {
        Array(line.last == UInt8(ascii: "\r") ? line.dropLast() : line)
    }
}
