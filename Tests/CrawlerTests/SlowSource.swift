import ArchiveTestSupport
import Crawler
import Synchronization
import Tangle
import Ternary
import TestSupport

/// A source that takes its time, so that there is a middle of a crawl.
final class SlowSource: TangleSource {
    private let source: any TangleSource
    private let random: Mutex<SeededGenerator>

    init(_ source: any TangleSource, seed: UInt64) {
        self.source = source
        random = Mutex(SeededGenerator(seed: seed))
    }

    private func pause() async throws {
        let pause = random.withLock { Int.random(in: 1...8, using: &$0) }
        try await Task.sleep(for: .milliseconds(pause))
    }

    func sighting(at address: Hash) async throws -> Sighting {
        try await pause()
        return try await source.sighting(at: address)
    }

    func transactions(_ hashes: [Hash]) async throws -> [Hash: Transaction] {
        try await pause()
        return try await source.transactions(hashes)
    }

    func confirmed(_ hashes: [Hash]) async throws -> [Hash: Int32?] {
        try await pause()
        return try await source.confirmed(hashes)
    }
}

/// A source that takes very long to tell what is at one address, or at the first.
final class StuckSource: TangleSource {
    private let source: MemoryTangle
    private let pause: Duration
    private let address: Hash?
    private let stuck = Mutex(false)

    init(_ source: MemoryTangle, for pause: Duration, at address: Hash? = nil) {
        self.source = source
        self.pause = pause
        self.address = address
    }

    /// Whether it was asked for what takes long.
    var isStuck: Bool { stuck.withLock { $0 } }

    func sighting(at address: Hash) async throws -> Sighting {
        let sticks = stuck.withLock { stuck in
            guard self.address == nil ? !stuck : self.address == address else { return false }
            stuck = true
            return true
        }
        if sticks { try await Task.sleep(for: pause) }
        return try await source.sighting(at: address)
    }

    func transactions(_ hashes: [Hash]) async throws -> [Hash: Transaction] {
        try await source.transactions(hashes)
    }

    func confirmed(_ hashes: [Hash]) async throws -> [Hash: Int32?] {
        try await source.confirmed(hashes)
    }
}
