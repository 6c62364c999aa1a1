import Assembly
import Foundation
import Synchronization
import Ternary
import TestSupport
import Testing

/// Imports that are interrupted anywhere, and go on.
@Suite struct DumpResumeTests {
    /// Reads until a number of batches were taken in, and is then stopped.
    ///
    /// - Returns: Whether it was stopped.
    private static func read(_ paths: [String], index: String, stopAfter batches: Int) async throws
        -> Bool
    {
        let count = Mutex(0)
        let task = Task {
            _ = try await DumpTangleSource(paths: paths, index: index, policy: DumpScene.hurried) {
                _ in
                let taken = count.withLock { count in
                    count += 1
                    return count
                }
                if taken == batches { withUnsafeCurrentTask { $0?.cancel() } }
            }
        }
        do {
            try await task.value
            return false
        } catch is CancellationError {
            return true
        }
    }

    /// What a kill can leave behind: parts of what was to be written next.
    private static func litter(_ index: String, _ random: inout SeededGenerator) throws {
        let spool = try #require(FileHandle(forWritingAtPath: index + "/spool"))
        try spool.seekToEnd()
        try spool.write(
            contentsOf: Data(random.trytes(.random(in: 0...5000, using: &random)).ascii))
        try spool.close()
        for name in ["run-9999", "state.json.new"] {
            try Data("cut".utf8).write(to: URL(fileURLWithPath: index + "/" + name))
        }
    }

    @Test func interruptedAnywhereItGoesOnAndHasAll() async throws {
        try await DumpScene.with { scene in
            var random = SeededGenerator.announced()
            let half = scene.lines.count / 2
            let long = String(repeating: "9", count: 100_000) + "\nno line\n"
            let text =
                scene.columns(Array(scene.lines.prefix(half))) + long
                + scene.columns(Array(scene.lines.dropFirst(half)))
            let rejected = ["too-long": 1, "malformed": 1]
            for (name, bytes) in [
                ("plain", Array(text.utf8)), ("gz", try DumpScene.gzip(Array(text.utf8))),
                ("xz", try DumpScene.xz(Array(text.utf8))),
            ] {
                let path = try scene.file(name, bytes)
                let index = scene.path("index-" + name)
                var stops = 0
                while try await Self.read(
                    [path], index: index, stopAfter: .random(in: 1...20, using: &random))
                {
                    stops += 1
                    try Self.litter(index, &random)
                    try #require(stops < 500)
                }
                #expect(stops > 3, "\(name)")
                let dump = try await DumpTangleSource(paths: [path], index: index)
                #expect(dump.report.transactions == scene.lines.count, "\(name)")
                #expect(dump.report.lines == Int64(scene.lines.count + 2), "\(name)")
                #expect(dump.report.rejected == rejected, "\(name)")
                #expect(
                    dump.report.rejectedLines.map(\.line).sorted() == [
                        Int64(half + 1), Int64(half + 2),
                    ])
                try scene.expectAll(in: dump, "\(name)")
                let names = try FileManager.default.contentsOfDirectory(atPath: index)
                #expect(!names.contains("run-9999"))
                // Merged, again and again.
                #expect(names.count < 40)
            }
        }
    }

    @Test func aPipeIsReadAgainFromItsBeginningAndGoesOn() async throws {
        try await DumpScene.with { scene in
            let (path, index) = (scene.path("pipe"), scene.path("index"))
            try #require(mkfifo(path, 0o600) == 0)
            func feed(_ bytes: [UInt8]) {
                let thread = Thread {
                    // Whoever stops reading ends the writing.
                    let descriptor = open(path, O_WRONLY)
                    _ = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
                    close(descriptor)
                }
                thread.start()
            }
            signal(SIGPIPE, SIG_IGN)
            let bytes = try DumpScene.gzip(Array(scene.columns().utf8))
            feed(bytes)
            #expect(try await Self.read([path], index: index, stopAfter: 20))
            // Another stream in its place is noticed.
            feed(try DumpScene.gzip(Array(scene.columns(scene.lines.reversed()).utf8)))
            await #expect(throws: DumpError.otherStream(path: path)) {
                try await DumpTangleSource(paths: [path], index: index)
            }
            feed(bytes)
            let dump = try await DumpTangleSource(paths: [path], index: index)
            #expect(dump.report.transactions == scene.lines.count)
            try scene.expectAll(in: dump)
        }
    }

    @Test func whatAnIndexKnowsIsNotReadAgain() async throws {
        try await DumpScene.with { scene in
            let index = scene.path("index")
            let plain = try scene.file("plain", scene.columns(Array(scene.lines.prefix(200))))
            let packed = try scene.file(
                "packed",
                DumpScene.gzip(Array(scene.columns(Array(scene.lines.dropFirst(200))).utf8)))
            for _ in 0..<2 {
                let dump = try await DumpTangleSource(paths: [plain, packed], index: index)
                #expect(dump.report.transactions == scene.lines.count)
            }
            // What was packed is in the index; what is plain has to stay.
            try FileManager.default.removeItem(atPath: packed)
            do {
                let progress = Mutex(0)
                let dump = try await DumpTangleSource(paths: [], index: index) { _ in
                    progress.withLock { $0 += 1 }
                }
                #expect(progress.withLock { $0 } == 0)
                #expect(dump.report.transactions == 0)
                try scene.expectAll(in: dump)
            }
            // A file that was changed is read anew, and what it had is no longer there.
            _ = try scene.file("plain", scene.columns(Array(scene.lines.prefix(100))))
            let again = try await DumpTangleSource(paths: [plain], index: index)
            #expect(again.report.transactions == 100)
            #expect(try again.transactions([Hash(scene.lines[150].hash)]).isEmpty)
        }
    }

    @Test func anIndexIsOneProcessesAloneAndNothingElse() async throws {
        try await DumpScene.with { scene in
            let (path, index) = (try scene.file("dump", scene.text), scene.path("index"))
            let dump = try await DumpTangleSource(paths: [path], index: index)
            await #expect(throws: DumpError.indexInUse(path: index)) {
                try await DumpTangleSource(paths: [path], index: index)
            }
            try scene.expectAll(in: dump)
            await #expect(throws: DumpError.notAnIndex(path: scene.folder.path)) {
                try await DumpTangleSource(paths: [path], index: scene.folder.path)
            }
        }
    }

    @Test func aDamagedIndexIsRefused() async throws {
        try await DumpScene.with { scene in
            let path = try scene.file("dump.gz", DumpScene.gzip(Array(scene.columns().utf8)))
            for name in ["state.json", "spool", "run-1"] {
                let index = scene.path("index-" + name)
                _ = try await DumpTangleSource(paths: [path], index: index)
                try Data("{}".utf8).write(to: URL(fileURLWithPath: index + "/" + name))
                await #expect("\(name)") {
                    try await DumpTangleSource(paths: [path], index: index)
                } throws: { error in
                    guard case .indexDamaged? = error as? DumpError else { return false }
                    return true
                }
            }
        }
    }
}

/// The position of an import, as a value.
@Suite struct DumpStateTests {
    private static let identity = DumpState.Identity(byteCount: 100, modified: 1)

    private static func begin(
        _ state: inout DumpState, _ path: String, _ identity: DumpState.Identity? = identity,
        milestone: Int32? = nil
    ) throws -> DumpState.Start {
        try state.begin(
            path: path, identity: identity, isPlain: identity != nil, milestone: milestone)
    }

    @Test func aFileThatIsTheSameGoesOnOrIsDone() throws {
        var state = DumpState()
        #expect(try Self.begin(&state, "a") == .read(0))
        state.advance(0, to: 50, lines: 2, anchor: nil) { $0.transactions += 2 }
        #expect(try Self.begin(&state, "a") == .read(0))
        #expect(state.inputs[0].position == 50)
        state.end(0, fault: "cut off")
        #expect(try Self.begin(&state, "a") == .read(0))
        state.advance(0, to: 100, lines: 4, anchor: nil) { $0.transactions += 2 }
        #expect(state.inputs[0].report.faults.isEmpty)
        state.end(0, fault: nil)
        #expect(try Self.begin(&state, "a") == .done(0))
        #expect(try Self.begin(&state, "b") == .read(1))
        #expect(state.inputs[0].report.transactions == 4)
        #expect(state.inputs[0].report.lines == 4)
    }

    @Test func aFileThatChangedIsReadAnew() throws {
        var state = DumpState()
        _ = try Self.begin(&state, "a")
        state.end(0, fault: nil)
        let other = DumpState.Identity(byteCount: 101, modified: 1)
        #expect(try Self.begin(&state, "a", other) == .read(1))
        #expect(state.inputs[0].isReplaced && !state.inputs[1].isReplaced)
        #expect(try Self.begin(&state, "a", other, milestone: 6000) == .read(2))
        #expect(state.inputs[1].isReplaced)
    }

    @Test func aStreamGoesOnUntilItsEndAndTheNextIsAnother() throws {
        var state = DumpState()
        #expect(try Self.begin(&state, "-", nil) == .read(0))
        state.advance(0, to: 10, lines: 1, anchor: nil) { _ in }
        #expect(try Self.begin(&state, "-", nil) == .read(0))
        #expect(throws: DumpError.otherStream(path: "-")) {
            try Self.begin(&state, "-", nil, milestone: 1)
        }
        state.end(0, fault: nil)
        #expect(try Self.begin(&state, "-", nil) == .read(1))
    }

    @Test func runsAreMergedByLevels() throws {
        var state = DumpState()
        var merges: [Int] = []
        for _ in 0..<1000 {
            state.add(state.newRun(level: 0, count: 1))
            while let runs = state.runsToMerge {
                let level = runs[0].level + 1
                merges.append(level)
                let count = runs.map(\.count).reduce(0, +)
                state.replace(runs, with: state.newRun(level: level, count: count))
            }
        }
        #expect(state.runs.map(\.count).reduce(0, +) == 1000)
        #expect(Set(state.runs.map(\.number)).count == state.runs.count)
        #expect(state.runs.count < 3 * DumpState.runsPerMerge)
        #expect(merges.max() == 2)
    }

    @Test func theStateIsWhatItWasWhenItIsReadAgain() throws {
        var state = DumpState()
        _ = try Self.begin(&state, "a", milestone: 6000)
        state.advance(
            0, to: 7, lines: 1, anchor: nil
        ) { $0.transactions = 1 }
        state.add(state.newRun(level: 0, count: 3))
        state.spooled(55)
        let again = try JSONDecoder().decode(
            DumpState.self, from: JSONEncoder().encode(state))
        #expect(again == state)
        #expect(again.isLeftover("run-2") && !again.isLeftover("run-1"))
        #expect(!again.isLeftover("spool") && again.isLeftover("state.json.new"))
        #expect(DumpState.owns("run-12") && !DumpState.owns("run-x") && !DumpState.owns("photo"))
    }
}
