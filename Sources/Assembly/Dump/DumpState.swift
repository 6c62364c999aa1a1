import Foundation

/// How far an index of dumps is: all that has to survive a kill, beside the files it names. What is
/// not in it has to be read again.
package struct DumpState: Sendable, Codable, Equatable {
    /// What tells whether a file is still the same.
    package struct Identity: Sendable, Codable, Equatable {
        package let byteCount: Int64
        /// Nanoseconds since 1970.
        package let modified: Int64

        package init(byteCount: Int64, modified: Int64) {
            self.byteCount = byteCount
            self.modified = modified
        }
    }

    /// The end of what was read, by which it is known again.
    package struct Anchor: Sendable, Codable, Equatable {
        package let offset: Int64
        package let count: Int
        package let fold: UInt64
    }

    /// A file that was given, and how far it is read.
    package struct Input: Sendable, Codable, Equatable {
        /// `-` for standard input.
        package let path: String
        /// Nil for what has no name by which to find it again.
        package let identity: Identity?
        /// Whether entries of the index point into it; else into the spool.
        package let isPlain: Bool
        /// Of lines that name none.
        package let milestone: Int32?
        /// From where to go on: unpacked bytes, and lines.
        package fileprivate(set) var position: Int64 = 0
        package fileprivate(set) var lines: Int64 = 0
        package fileprivate(set) var anchor: Anchor?
        package fileprivate(set) var isDone = false
        /// The file was changed and read anew: entries that point into it are of the past.
        package fileprivate(set) var isReplaced = false
        package fileprivate(set) var report = DumpReport()
    }

    /// A file of sorted entries.
    package struct Run: Sendable, Codable, Equatable {
        package let number: Int
        /// Runs that were merged are a level above those they were made of.
        package let level: Int
        package let count: Int64

        package var name: String { DumpState.runName(number) }
    }

    /// What to do with an input.
    package enum Start: Sendable, Equatable {
        /// It was read to its end.
        case done(Int)
        /// To be read from its position on, which may be 0.
        case read(Int)
    }

    package static let currentVersion = 1
    /// Inputs of one index: their numbers have 16 bits, and the state is written as a whole.
    package static let maximumInputs = 10_000
    /// Runs of a level that are merged into one.
    package static let runsPerMerge = 16

    package private(set) var version = currentVersion
    package private(set) var inputs: [Input] = []
    package private(set) var runs: [Run] = []
    /// Bytes of the spool that count.
    package private(set) var spoolBytes: Int64 = 0
    private var nextRun = 1

    package init() {}

    package static func runName(_ number: Int) -> String { "run-\(number)" }

    // MARK: Inputs

    /// Begins with an input, or goes on with one: a file that is still the same, or the stream that
    /// was not read to its end.
    ///
    /// - Throws: `DumpError.tooManyFiles`.
    package mutating func begin(
        path: String, identity: Identity?, isPlain: Bool, milestone: Int32?
    ) throws(DumpError) -> Start {
        let known = inputs.lastIndex { $0.path == path && !$0.isReplaced }
        if let known {
            let input = inputs[known]
            let isSame = input.identity == identity && input.isPlain == isPlain
            if isSame, input.milestone == milestone {
                if !input.isDone { return .read(known) }
                // A stream that comes after one that has ended is another.
                if identity != nil { return .done(known) }
            } else if identity != nil {
                inputs[known].isReplaced = true
            } else if !input.isDone {
                throw .otherStream(path: path)
            }
        }
        guard inputs.count < Self.maximumInputs else {
            throw .tooManyFiles(limit: Self.maximumInputs)
        }
        inputs.append(
            Input(path: path, identity: identity, isPlain: isPlain, milestone: milestone))
        return .read(inputs.count - 1)
    }

    /// A part of an input was gone through.
    package mutating func advance(
        _ input: Int, to position: Int64, lines: Int64, anchor: Anchor?,
        _ change: (inout DumpReport) -> Void
    ) {
        inputs[input].position = position
        inputs[input].lines = lines
        if let anchor { inputs[input].anchor = anchor }
        inputs[input].report.faults = []
        change(&inputs[input].report)
        inputs[input].report.lines = lines
    }

    /// An input was read to its end, or to a fault from which another try goes on.
    package mutating func end(_ input: Int, fault: String?) {
        inputs[input].report.faults =
            fault.map {
                [DumpReport.Fault(file: inputs[input].path, reason: $0)]
            } ?? []
        inputs[input].isDone = fault == nil
        inputs[input].report.files = fault == nil ? 1 : 0
    }

    // MARK: Runs

    /// A run with the next number.
    package mutating func newRun(level: Int, count: Int64) -> Run {
        defer { nextRun += 1 }
        return Run(number: nextRun, level: level, count: count)
    }

    package mutating func add(_ run: Run) { runs.append(run) }

    /// Runs that should become one; nil where there are few of each level.
    package var runsToMerge: [Run]? {
        for level in Set(runs.map(\.level)).sorted() {
            let some = runs.filter { $0.level == level }
            if some.count >= Self.runsPerMerge { return some }
        }
        return nil
    }

    /// Several runs have become one.
    package mutating func replace(_ old: [Run], with run: Run) {
        runs.removeAll { old.contains($0) }
        runs.append(run)
    }

    // MARK: Spool

    /// Bytes were added to the spool.
    package mutating func spooled(_ count: Int) { spoolBytes += Int64(count) }

    // MARK: Files

    /// Files of an index, which a kill may have left without their being part of it.
    package func isLeftover(_ name: String) -> Bool {
        name.hasSuffix(".new")
            || name.hasPrefix("run-") && !runs.contains { $0.name == name }
    }

    /// Whether a file of this name can be of an index.
    package static func owns(_ name: String) -> Bool {
        ["state.json", "state.json.new", "lock", "spool"].contains(name)
            || name.hasPrefix("run-") && Int(name.dropFirst(4)) != nil
    }
}

extension DumpState.Identity {
    init(_ status: stat) {
        #if canImport(Darwin)
            let time = status.st_mtimespec
        #else
            let time = status.st_mtim
        #endif
        byteCount = Int64(status.st_size)
        modified = Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }
}
