import Foundation

/// Lines of a dump that are looked at together.
struct LineBatch: Sendable {
    /// From 0 on, in the order of the dump.
    let number: Int
    let bytes: [UInt8]
    /// Of `bytes`, without line feeds.
    let lines: [Range<Int>]
    /// Where `bytes` begin in the dump.
    let start: Int64
    /// Lines before the first one.
    let linesBefore: Int64
    /// Whether the last line has its line end.
    let isWhole: Bool
    /// Instead of lines: one that was too long to be kept.
    let tooLong: Bool
    /// From where to go on when all of this is done.
    let end: Int64
    let linesAtEnd: Int64
    /// Bytes that were gone through until now, of a line that is being passed, too.
    let scanned: Int64
    /// Bytes that were taken from the source until now.
    let bytesTaken: Int64
}

/// Cuts a dump into batches of whole lines, in memory that does not depend on what comes.
struct LineSplitter {
    /// Bytes of a line that is still taken; one of a transaction has about 2,800.
    static let maximumLineBytes = 16_384
    private static let usualLineBytes = 2_800

    private let stream: DumpStream
    private let linesPerBatch: Int
    private var buffer: [UInt8]
    private var unread = 0..<0
    private var batches = 0
    /// Of the first unread byte.
    private var offset: Int64
    /// Before the first unread byte.
    private var lines: Int64
    /// Where the line begins that is being passed because it is too long.
    private var passing: Int64?
    private var isAtEnd = false
    /// What kept the dump from being read to its end.
    private(set) var fault: DumpError?

    /// - Parameters:
    ///   - offset: where the stream is.
    ///   - lines: that come before.
    init(_ stream: DumpStream, offset: Int64, lines: Int64, linesPerBatch: Int) {
        self.stream = stream
        self.linesPerBatch = linesPerBatch
        self.offset = offset
        self.lines = lines
        buffer = [UInt8](
            repeating: 0,
            count: linesPerBatch * Self.usualLineBytes + 2 * Self.maximumLineBytes)
    }

    /// The next lines; nil at the end, or where a fault ended it.
    mutating func next() -> LineBatch? {
        fill()
        if passing != nil { return pass() }
        var ranges: [Range<Int>] = []
        ranges.reserveCapacity(linesPerBatch)
        var place = unread.lowerBound
        var isWhole = true
        while ranges.count < linesPerBatch, place < unread.upperBound {
            if let feed = lineFeed(from: place, within: Self.maximumLineBytes + 1) {
                ranges.append(place..<feed)
                place = feed + 1
                continue
            }
            if unread.upperBound - place > Self.maximumLineBytes {
                if ranges.isEmpty {
                    passing = offset
                    return pass()
                }
                break
            }
            guard isAtEnd else { break }
            // What a fault has cut is not taken for a line.
            if fault == nil {
                ranges.append(place..<unread.upperBound)
                isWhole = false
                place = unread.upperBound
            }
            break
        }
        guard !ranges.isEmpty else { return nil }
        let first = unread.lowerBound
        let bytes = Array(buffer[first..<place])
        let (start, before) = (offset, lines)
        advance(to: place)
        lines += Int64(ranges.count)
        return batch(
            bytes, ranges.map { $0.lowerBound - first..<$0.upperBound - first }, start: start,
            linesBefore: before, isWhole: isWhole, end: offset)
    }

    /// Goes on in a line that is too long, to its end or to what was read of it.
    private mutating func pass() -> LineBatch? {
        let start = passing ?? offset
        let before = lines
        guard let feed = lineFeed(from: unread.lowerBound, within: unread.count) else {
            let wasEmpty = unread.isEmpty
            advance(to: unread.upperBound)
            if isAtEnd, fault == nil {
                passing = nil
                lines += 1
                return batch([], [], start: start, linesBefore: before, tooLong: true, end: offset)
            }
            if isAtEnd, wasEmpty { return nil }
            return batch([], [], start: start, linesBefore: before, end: start)
        }
        advance(to: feed + 1)
        passing = nil
        lines += 1
        return batch([], [], start: start, linesBefore: before, tooLong: true, end: offset)
    }

    private mutating func batch(
        _ bytes: [UInt8], _ ranges: [Range<Int>], start: Int64, linesBefore: Int64,
        isWhole: Bool = true, tooLong: Bool = false, end: Int64
    ) -> LineBatch {
        defer { batches += 1 }
        return LineBatch(
            number: batches, bytes: bytes, lines: ranges, start: start, linesBefore: linesBefore,
            isWhole: isWhole, tooLong: tooLong, end: end, linesAtEnd: lines, scanned: offset,
            bytesTaken: stream.bytesTaken)
    }

    private mutating func advance(to place: Int) {
        offset += Int64(place - unread.lowerBound)
        unread = place..<unread.upperBound
    }

    private func lineFeed(from place: Int, within count: Int) -> Int? {
        buffer.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return nil }
            let count = min(count, unread.upperBound - place)
            guard count > 0, let found = memchr(base + place, Int32(UInt8(ascii: "\n")), count)
            else { return nil }
            return UnsafeRawPointer(found) - base
        }
    }

    /// Reads until the buffer is full, or to the end.
    private mutating func fill() {
        guard !isAtEnd else { return }
        let (stream, left) = (stream, unread)
        buffer.withUnsafeMutableBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            memmove(base, base + left.lowerBound, left.count)
        }
        unread = 0..<left.count
        while unread.upperBound < buffer.count, !isAtEnd {
            let end = unread.upperBound
            let result: Result<Int, DumpError> = buffer.withUnsafeMutableBytes {
                let room = UnsafeMutableRawBufferPointer(rebasing: $0[end...])
                do throws(DumpError) {
                    return .success(try stream.read(into: room))
                } catch {
                    return .failure(error)
                }
            }
            switch result {
            case .success(let count):
                unread = 0..<end + count
                isAtEnd = count == 0
            case .failure(let error):
                fault = error
                isAtEnd = true
            }
        }
    }
}
