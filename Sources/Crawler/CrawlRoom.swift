import Archive
import Failures
import Synchronization

/// Why nothing is taken in though channels are due.
package enum RoomLack: String, Sendable, CaseIterable {
    /// The database's disk is full.
    case database = "database-full"
    /// Where the key ring lies is too little room: what is taken in could not be forgotten.
    case keyRing = "key-ring-full"
}

/// The room that is to be left before anything more is taken in, so that a full disk stops crawling
/// and neither reading nor forgetting.
package struct CrawlRoom: Sendable {
    /// Bytes kept on the database's disk; see `Archive.keepReserve`.
    package let reserve: Int
    /// Bytes that have to be free where the key ring lies.
    package let ringRoom: UInt64
    private let freeAtRing: @Sendable () -> UInt64?

    /// - Parameter freeAtRing: nil where that cannot be told, which counts as enough.
    package init(
        reserve: Int, ringRoom: UInt64, freeAtRing: @escaping @Sendable () -> UInt64?
    ) {
        self.reserve = reserve
        self.ringRoom = ringRoom
        self.freeAtRing = freeAtRing
    }

    /// Keeps nothing free.
    package static let unminded = CrawlRoom(reserve: 0, ringRoom: 0) { nil }

    /// Probed for where nothing is kept.
    private static let leastReserve = 8 << 20

    /// - Parameter share: of what has to be free; more than 1 after it was short.
    /// - Throws: `CrawlPause`.
    func checkRing(share: Double = 1) throws(CrawlPause) {
        guard let free = freeAtRing(), Double(free) < Double(ringRoom) * share else { return }
        throw CrawlPause(lack: .keyRing)
    }

    /// Makes sure of everything.
    ///
    /// - Throws: `CrawlPause`, and what the database says.
    func require(in archive: Archive) async throws {
        try checkRing()
        guard reserve > 0 else { return }
        try await archive.keepReserve(reserve)
    }

    /// The same after it was short, with as much again to go on with.
    func requireAgain(in archive: Archive, after lack: RoomLack) async throws {
        try checkRing(share: lack == .keyRing ? 1.25 : 1)
        let amount = max(reserve, Self.leastReserve)
        try await archive.keepReserve(amount, beside: amount)
        if reserve == 0 { try await archive.giveUpReserve() }
    }

    /// What an error says is short; nil for other errors.
    static func lack(in error: any Error) -> RoomLack? {
        if let pause = error as? CrawlPause { return pause.lack }
        return Archive.isOutOfRoom(error) ? .database : nil
    }
}

/// Crawling stops until there is room.
package struct CrawlPause: Failure, Equatable {
    package let lack: RoomLack

    package var code: String { "crawl.\(lack.rawValue)" }
    package var operation: String { "crawl" }
    package var retryable: Bool { true }
    package var publicText: String {
        switch lack {
        case .database: "the database's disk is full"
        case .keyRing: "there is too little room where the key ring lies"
        }
    }
}

/// Whether a crawler waits for room, for whoever asks.
package final class CrawlStanding: Sendable {
    private let lack = Mutex<RoomLack?>(nil)

    package init() {}

    func set(_ new: RoomLack?) { lack.withLock { $0 = new } }

    /// `ok`, or the code of what is short.
    package var text: String { lack.withLock { $0 }.map { "crawl.\($0.rawValue)" } ?? "ok" }
}
