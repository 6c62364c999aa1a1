import Foundation

/// Cuts chunks of a file into lines, keeping no more of a line than its limit.
struct LineSplitter {
    enum Line: Equatable {
        /// Without the line feed.
        case bytes(Data)
        case tooLong
    }

    let maximumBytes: Int
    private var partial = Data()
    private var isTooLong = false

    init(maximumBytes: Int) { self.maximumBytes = maximumBytes }

    /// The lines that end in `chunk`.
    mutating func split(_ chunk: Data) -> [Line] {
        var lines: [Line] = []
        var pieces = chunk.split(
            separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)[...]
        // What follows the last line feed waits for the next chunk.
        guard let last = pieces.popLast() else { return [] }
        for piece in pieces {
            extend(piece)
            lines.append(end())
        }
        extend(last)
        return lines
    }

    /// The last line, where the file does not end in a line feed.
    mutating func rest() -> Line? {
        partial.isEmpty && !isTooLong ? nil : end()
    }

    private mutating func extend(_ piece: Data) {
        guard !isTooLong, partial.count + piece.count <= maximumBytes else {
            isTooLong = true
            return
        }
        partial.append(piece)
    }

    private mutating func end() -> Line {
        defer {
            partial = Data()
            isTooLong = false
        }
        return isTooLong ? .tooLong : .bytes(partial)
    }
}
