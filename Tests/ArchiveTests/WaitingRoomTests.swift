import Archive
import Testing

/// Which bundles are kept until a key comes, within the bounds.
@Suite struct WaitingRoomTests {
    private static func entry(_ number: Int, at position: Int64, bytes: Int = 5000)
        -> WaitingRoom.Entry
    {
        WaitingRoom.Entry(
            lookup: [UInt8(number >> 8), UInt8(number & 255)], position: position,
            byteCount: bytes)
    }

    @Test func theSameBundleIsKeptOnce() {
        var room = WaitingRoom([Self.entry(1, at: 0)])
        let kept1 = room.admit(Self.entry(1, at: 0), atHead: true)
        #expect(!kept1)
        #expect(room.entries.count == 1)
    }

    @Test func theHeadMayFillTheRoomAndPassedTreesHalfOfIt() {
        var room = WaitingRoom([])
        let passed = (0..<200).filter { room.admit(Self.entry($0, at: 3), atHead: false) }
        #expect(passed.count == WaitingRoom.bundleLimit / 2)
        let head = (200..<400).filter { room.admit(Self.entry($0, at: 4), atHead: true) }
        #expect(head.count == WaitingRoom.bundleLimit)
        #expect(room.entries.allSatisfy { $0.position == 4 })
        #expect(room.evicted.count == passed.count)
        let kept2 = room.admit(Self.entry(400, at: 3), atHead: false)
        #expect(!kept2)
    }

    @Test func theOldestTreeMakesWayFirst() {
        var room = WaitingRoom(
            (0..<WaitingRoom.bundleLimit).map { Self.entry($0, at: $0 < 5 ? 1 : 2) })
        let kept3 = room.admit(Self.entry(500, at: 3), atHead: true)
        #expect(kept3)
        #expect(room.evicted == [Self.entry(0, at: 1).lookup])
        #expect(room.entries.last == Self.entry(500, at: 3))
    }

    @Test func bytesAreBoundedLikeBundles() {
        var room = WaitingRoom([])
        let huge = WaitingRoom.byteLimit / 2
        let kept4 = room.admit(Self.entry(0, at: 1, bytes: huge + 1), atHead: true)
        #expect(!kept4)
        let kept5 = room.admit(Self.entry(1, at: 1, bytes: huge), atHead: true)
        #expect(kept5)
        let kept6 = room.admit(Self.entry(2, at: 1, bytes: huge), atHead: true)
        #expect(kept6)
        let kept7 = room.admit(Self.entry(3, at: 1, bytes: 1), atHead: true)
        #expect(!kept7)
        let kept8 = room.admit(Self.entry(4, at: 0, bytes: 1), atHead: false)
        #expect(!kept8)
        #expect(room.evicted.isEmpty)
        let kept9 = room.admit(Self.entry(5, at: 2, bytes: huge), atHead: true)
        #expect(kept9)
        #expect(room.evicted.count == 1)
    }

    @Test func whatCannotBeAdmittedEvictsNobody() {
        let half = WaitingRoom.byteLimit / 2
        var room = WaitingRoom([
            Self.entry(0, at: 1, bytes: 1000), Self.entry(1, at: 2, bytes: half),
        ])
        let kept10 = room.admit(Self.entry(2, at: 2, bytes: half + 1), atHead: true)
        #expect(!kept10)
        room = WaitingRoom([
            Self.entry(0, at: 1, bytes: 1000), Self.entry(1, at: 2, bytes: half),
            Self.entry(2, at: 2, bytes: 1000),
        ])
        let kept11 = room.admit(Self.entry(3, at: 2, bytes: half), atHead: true)
        #expect(!kept11)
        #expect(room.evicted.isEmpty)
        #expect(room.entries.count == 3)
    }
}
