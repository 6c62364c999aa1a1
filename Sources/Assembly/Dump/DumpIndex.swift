import Foundation

/// The index of dumps: a directory in which one process at a time notes where the transactions stand
/// that can be of messages. It knows nothing of channels.
///
/// What was added counts when it was committed; a kill at any instant leaves what the last commit
/// left, and files that the next start removes.
final class DumpIndex {
    private static let stateLimit = 64 << 20

    let path: String
    private(set) var state = DumpState()
    private let policy: DumpPolicy
    private let isTemporary: Bool
    /// Keeps the lock as long as this lives.
    private let lock: IndexFile
    private let spool: IndexFile
    private var pending: [DumpEntry] = []
    private var hasChanged = false
    private var committedAt = ContinuousClock.now

    /// Opens or makes the index.
    ///
    /// - Parameter path: nil for one that is removed when this goes.
    /// - Throws: `DumpError.indexInUse`, `.notAnIndex`, `.indexDamaged`, `.indexFailed`.
    init(path: String?, policy: DumpPolicy) throws(DumpError) {
        isTemporary = path == nil
        self.policy = policy
        let path = path ?? Self.temporaryPath()
        self.path = path
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw .indexFailed(path: path, .last)
        }
        try Self.checkNames(in: path)
        lock = try IndexFile(path: path + "/lock", writing: true)
        try lock.lock(for: path)
        state = try Self.load(from: path)
        for name in try Self.names(in: path) where state.isLeftover(name) {
            unlink(path + "/" + name)
        }
        spool = try IndexFile(path: path + "/spool", writing: true)
        guard try spool.byteCount() >= state.spoolBytes else { throw .indexDamaged(path: path) }
        try spool.truncate(to: state.spoolBytes)
        try IndexFile.sync(folder: path)
    }

    deinit {
        guard isTemporary else { return }
        try? FileManager.default.removeItem(atPath: path)
    }

    private static func temporaryPath() -> String {
        FileManager.default.temporaryDirectory
            .appendingPathComponent("permanode-import-\(UUID().uuidString)").path
    }

    private static func names(in path: String) throws(DumpError) -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: path)
        } catch {
            throw .indexFailed(path: path, .last)
        }
    }

    private static func checkNames(in path: String) throws(DumpError) {
        guard try names(in: path).allSatisfy(DumpState.owns) else { throw .notAnIndex(path: path) }
    }

    private static func load(from path: String) throws(DumpError) -> DumpState {
        let name = path + "/state.json"
        guard access(name, F_OK) == 0 || errno != ENOENT else { return DumpState() }
        let file = try IndexFile(path: name)
        let count = try file.byteCount()
        guard count <= stateLimit else { throw .indexDamaged(path: path) }
        let bytes = try file.read(Int(count), at: 0)
        guard let state = try? JSONDecoder().decode(DumpState.self, from: Data(bytes)),
            state.version == DumpState.currentVersion
        else { throw .indexDamaged(path: path) }
        return state
    }

    // MARK: Reading dumps

    func begin(_ stream: DumpStream, milestone: Int32?) throws(DumpError) -> DumpState.Start {
        hasChanged = true
        return try state.begin(
            path: stream.path, identity: stream.identity, isPlain: stream.isPlain,
            milestone: milestone)
    }

    /// Takes in what became of the next lines of an input, and commits now and then.
    func add(_ checked: CheckedBatch, to input: Int) throws(DumpError) {
        if !checked.spool.isEmpty {
            let start = state.spoolBytes
            try spool.write(checked.spool, at: start)
            state.spooled(checked.spool.count)
            pending += checked.entries.map {
                DumpEntry(
                    key: $0.key,
                    place: DumpPlace(input: DumpPlace.spool, offset: start + $0.place.offset))
            }
        } else {
            pending += checked.entries
        }
        let path = state.inputs[input].path
        state.advance(
            input, to: checked.batch.end, lines: checked.batch.linesAtEnd, anchor: checked.anchor
        ) { report in
            report.transactions += checked.transactions
            report.indexed += checked.indexed
            for (line, cause) in checked.rejected { report.reject(cause, file: path, line: line) }
        }
        hasChanged = true
        let isDue = ContinuousClock.now - committedAt >= policy.commitInterval
        if isDue || pending.count >= policy.entriesPerRun { try commit() }
    }

    func end(_ input: Int, fault: DumpError?) throws(DumpError) {
        state.end(input, fault: fault?.publicText)
        hasChanged = true
        try commit()
    }

    /// Makes all that was added so far durable.
    func commit() throws(DumpError) {
        committedAt = .now
        guard hasChanged else { return }
        if !pending.isEmpty {
            pending.sort()
            let run = state.newRun(level: 0, count: Int64(pending.count))
            try SortedRun.write(pending, to: file(of: run))
            state.add(run)
        }
        var old: [DumpState.Run] = []
        while let runs = state.runsToMerge {
            let merged = state.newRun(
                level: (runs.map(\.level).max() ?? 0) + 1, count: runs.map(\.count).reduce(0, +))
            try SortedRun.merge(
                runs.map { (file(of: $0), $0.count) }, to: file(of: merged))
            state.replace(runs, with: merged)
            old += runs
        }
        try spool.sync()
        try save()
        pending.removeAll(keepingCapacity: true)
        hasChanged = false
        for run in old { unlink(file(of: run)) }
    }

    private func file(of run: DumpState.Run) -> String { path + "/" + run.name }

    private func save() throws(DumpError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        guard let data = try? encoder.encode(state) else { throw .indexDamaged(path: path) }
        // What cannot be read again must not take the place of what can.
        guard data.count <= Self.stateLimit else {
            throw .tooManyFiles(limit: state.inputs.count - 1)
        }
        let new = path + "/state.json.new"
        let file = try IndexFile(path: new, writing: true, replacing: true)
        try file.write(Array(data), at: 0)
        try file.sync()
        // The names of runs first: the state must not know of files that a power cut takes away.
        try IndexFile.sync(folder: path)
        guard rename(new, path + "/state.json") == 0 else {
            throw .indexFailed(path: path, .last)
        }
        try IndexFile.sync(folder: path)
    }

    // MARK: Looking up

    /// What can be looked up once all is committed.
    func lookup() throws(DumpError) -> DumpLookup {
        var runs: [SortedRun] = []
        for run in state.runs { runs.append(try SortedRun(path: file(of: run), count: run.count)) }
        return DumpLookup(runs: runs, inputs: state.inputs, spool: spool)
    }
}

/// How often and in what portions an index is written.
package struct DumpPolicy: Sendable {
    /// Between two commits: what a kill costs.
    package var commitInterval: Duration = .seconds(10)
    /// Entries that are kept in memory, 16 bytes each, and then written as a run.
    package var entriesPerRun = 1 << 20
    /// Lines that are hashed together: two or four times as many as there are lanes.
    package var linesPerBatch = 1024
    /// Bytes of a dump without any transaction after which it is given up.
    package var bytesWithoutTransaction: Int64 = 1 << 30

    package init() {}
}
