import Foundation

/// Goes through dumps from where the index is, on all cores: one task reads and unpacks, others
/// check batches of lines, and what they found is taken in in the order of the lines.
package struct DumpScan {
    /// How far it is.
    package struct Progress: Sendable {
        /// The file under way, from 1.
        package let file: Int
        package let files: Int
        /// Of all files: bytes that were taken, packed ones where they are packed.
        package let bytesTaken: Int64
        /// Nil where not all are files.
        package let byteCount: Int64?
        /// Of this run alone, for a rate.
        package let bytesNow: Int64
        package let transactionsNow: Int
        package let seconds: Double

        /// Transactions a second.
        package var rate: Double { seconds > 0 ? Double(transactionsNow) / seconds : 0 }

        /// At the pace so far; nil where nothing can be said.
        package var secondsLeft: Double? {
            guard let byteCount, bytesNow > 0 else { return nil }
            return Double(max(0, byteCount - bytesTaken)) / Double(bytesNow) * seconds
        }
    }

    private let index: DumpIndex
    private let policy: DumpPolicy
    private let milestone: Int32?
    private let progress: (Progress) -> Void
    private let start = ContinuousClock.now
    private var sizes: [Int64?]
    private var file = 0
    private var bytesBefore: Int64 = 0
    private var bytesNow: Int64 = 0
    private var transactionsNow = 0

    /// - Parameters:
    ///   - milestone: of lines that name none; where it is nil, what the file's name says.
    init(
        _ paths: [String], into index: DumpIndex, milestone: Int32?, policy: DumpPolicy,
        progress: @escaping (Progress) -> Void
    ) {
        self.index = index
        self.milestone = milestone
        self.policy = policy
        self.progress = progress
        sizes = paths.map(Self.size)
    }

    private static func size(of path: String) -> Int64? {
        var status = stat()
        guard path != "-", stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            return nil
        }
        return Int64(status.st_size)
    }

    /// The milestone after which a file is named: `6000.dmp`, `6000.dmp.gz`, `6000`.
    static func milestone(ofFile path: String) -> Int32? {
        let name = path.split(separator: "/").last ?? ""
        let digits = name.prefix { $0 != "." }
        guard (1...10).contains(digits.utf8.count), digits.utf8.allSatisfy({ 48...57 ~= $0 }) else {
            return nil
        }
        return Int32(digits)
    }

    /// Reads the next of the paths.
    ///
    /// - Returns: The number of the input.
    /// - Throws: what keeps it from being read at all, and from going on; `CancellationError`. A
    ///   fault on the way is noted with the input.
    mutating func read(_ path: String) async throws -> Int {
        defer {
            bytesBefore += sizes[file] ?? 0
            file += 1
        }
        let stream = try DumpStream(path: path)
        let milestone = self.milestone ?? Self.milestone(ofFile: path)
        switch try index.begin(stream, milestone: milestone) {
        case .done(let input): return input
        case .read(let input):
            try await read(stream, as: input)
            return input
        }
    }

    private mutating func read(_ stream: DumpStream, as input: Int) async throws {
        let fault: DumpError?
        do {
            try goOn(stream, as: input)
            fault = try await check(stream, as: input)
        } catch let error as DumpError where Self.isOfDump(error) {
            fault = error
        }
        try index.end(input, fault: fault)
    }

    /// Whether the dump is at fault, so that others can be read.
    private static func isOfDump(_ error: DumpError) -> Bool {
        switch error {
        case .unreadable, .compression, .expands, .noDump: true
        default: false
        }
    }

    /// Passes what was read before, and makes sure that it is still the same.
    private func goOn(_ stream: DumpStream, as input: Int) throws {
        let state = index.state.inputs[input]
        let passed = { try Task.checkCancellation() }
        guard let anchor = state.anchor else {
            return try stream.skip(state.position, progress: passed)
        }
        try stream.skip(anchor.offset, progress: passed)
        var tail: [UInt8] = []
        while tail.count < anchor.count {
            var room = [UInt8](repeating: 0, count: anchor.count - tail.count)
            let result: Result<Int, DumpError> = room.withUnsafeMutableBytes {
                do throws(DumpError) {
                    return .success(try stream.read(into: $0))
                } catch {
                    return .failure(error)
                }
            }
            let count = try result.get()
            guard count > 0 else { throw DumpError.otherStream(path: stream.path) }
            tail += room[..<count]
        }
        guard CheckedBatch.matches(tail, anchor) else {
            throw DumpError.otherStream(path: stream.path)
        }
        // What was passed because it was too long comes after the anchor.
        try stream.pass(state.position - anchor.offset - Int64(anchor.count), progress: passed)
    }

    /// - Returns: What kept it from being read to its end.
    private mutating func check(
        _ stream: DumpStream, as input: Int
    ) async throws -> DumpError? {
        let state = index.state.inputs[input]
        var splitter = LineSplitter(
            stream, offset: state.position, lines: state.lines,
            linesPerBatch: policy.linesPerBatch)
        let place = state.isPlain ? input : nil
        let milestone = state.milestone
        let atOnce = ProcessInfo.processInfo.activeProcessorCount + 2
        var fault: DumpError?
        var bytesAtStart = stream.bytesTaken
        try await withThrowingTaskGroup(of: CheckedBatch.self) { group in
            var underWay = 0
            var next = 0
            var waiting: [Int: CheckedBatch] = [:]
            var isAtEnd = false
            while true {
                while !isAtEnd, underWay + waiting.count < atOnce {
                    try Task.checkCancellation()
                    guard let batch = splitter.next() else {
                        isAtEnd = true
                        break
                    }
                    underWay += 1
                    group.addTask { CheckedBatch(batch, input: place, milestone: milestone) }
                }
                guard let checked = try await group.next() else { break }
                underWay -= 1
                waiting[checked.batch.number] = checked
                while let checked = waiting.removeValue(forKey: next) {
                    next += 1
                    try index.add(checked, to: input)
                    transactionsNow += checked.transactions
                    bytesNow += checked.batch.bytesTaken - bytesAtStart
                    bytesAtStart = checked.batch.bytesTaken
                    tell(checked.batch.bytesTaken)
                    if index.state.inputs[input].report.transactions == 0,
                        checked.batch.scanned > policy.bytesWithoutTransaction
                    {
                        fault = .noDump(path: stream.path)
                        isAtEnd = true
                    }
                }
            }
        }
        return fault ?? splitter.fault
    }

    private func tell(_ bytesTaken: Int64) {
        let known = sizes.compactMap { $0 }
        progress(
            Progress(
                file: file + 1, files: sizes.count, bytesTaken: bytesBefore + bytesTaken,
                byteCount: known.count == sizes.count ? known.reduce(0, +) : nil,
                bytesNow: bytesNow, transactionsNow: transactionsNow,
                seconds: (ContinuousClock.now - start) / .seconds(1)))
    }
}
