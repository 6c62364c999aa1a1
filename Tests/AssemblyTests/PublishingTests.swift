import ArchiveTestSupport
import Assembly
import Diagnostics
import Foundation
import LocalTangle
import MAM
import NodeClient
import Synchronization
import Tangle
import Ternary
import TestSupport
import Testing

/// Publishing that is cut off, refused, or done with the wrong file.
@Suite struct PublishingTests {
    private static let sideKey = "PUBLISHED"

    /// A channel of its own, and a ledger.
    private final class Place {
        let server: LocalTangleServer
        let path: String
        let root: Root
        private let folder: URL

        init() throws {
            server = try LocalTangleServer()
            folder = FileManager.default.temporaryDirectory
                .appendingPathComponent("publish-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            path = folder.appendingPathComponent("channel").path
            let channel = try PublishedChannel(
                seed: Seed(String(repeating: "P", count: 81)), mode: .restricted,
                sideKey: SideKey(PublishingTests.sideKey), securityLevel: 1)
            root = try channel.firstRoot()
            try PublisherFile(path: path).create(channel)
        }

        deinit { try? FileManager.default.removeItem(at: folder) }

        func publisher(
            nodes: [String]? = nil,
            faultPoint: @escaping @Sendable (MessagePublisher.FaultPoint) async throws -> Void = {
                _ in
            }
        ) throws -> MessagePublisher {
            try MessagePublisher(
                PublisherFile(path: path),
                nodes: (nodes ?? [server.url]).map {
                    NodeClient(endpoint: try NodeEndpoint($0))
                }, weight: 1, tag: Trytes("TEST"), log: .silent, faultPoint: faultPoint)
        }

        /// Every attachment on the ledger that is validly signed, along the chain.
        func published() throws -> [(leaf: Root, text: String, tail: Hash)] {
            var found: [(leaf: Root, text: String, tail: Hash)] = []
            var root = root
            while true {
                let address = ChannelAddress.address(of: root, mode: .restricted)
                let query = TransactionQuery(addresses: [address])
                let hashes = server.ledger.find(query) ?? []
                let bundles = hashes.compactMap { tail -> Tangle.Bundle? in
                    guard
                        case .complete(let bundle) = BundleAssembly.assemble(
                            tail: tail, lookup: { self.server.ledger.transaction($0) })
                    else { return nil }
                    return bundle
                }
                let key = try SideKey(PublishingTests.sideKey)
                let requests = bundles.map {
                    ReadRequest(payload: $0.messageTrytes, root: root, sideKey: key)
                }
                var next: Root?
                for (bundle, result) in zip(bundles, MessageReader.read(requests, .full)) {
                    guard case .success(let message) = result else { continue }
                    found.append((root, try #require(message.text), bundle.tail))
                    next = message.nextRoot
                }
                guard let next else { return found }
                root = next
            }
        }
    }

    private struct CutOff: Error {}

    @Test(arguments: MessagePublisher.FaultPoint.allCases)
    func whatIsCutOffArrivesOnceAndNoLeafSignsTwice(_ point: MessagePublisher.FaultPoint)
        async throws
    {
        let place = try Place()
        let count = Mutex(0)
        do {
            var publisher = try place.publisher { reached in
                guard reached == point else { return }
                let isSecond = count.withLock { count in
                    count += 1
                    return count == 2
                }
                if isSecond { throw CutOff() }
            }
            #expect(try await publisher.begin() == nil)
            #expect(try await publisher.publish("one").number == 1)
            await #expect(throws: CutOff.self) { _ = try await publisher.publish("two") }
        }
        var publisher = try place.publisher()
        let late = try await publisher.begin()
        #expect(late?.number == (point == .sent ? nil : 2))
        #expect(try await publisher.publish("three").number == 3)
        let published = try place.published()
        #expect(published.map(\.text) == ["one", "two", "three"])
        #expect(Set(published.map(\.leaf)).count == 3)
        await place.server.shutdown()
    }

    @Test func aNodeThatFailsIsTriedAgainAndAnotherOneToo() async throws {
        let place = try Place()
        let left = Mutex(3)
        place.server.misbehave { _ in
            left.withLock { left in
                left -= 1
                return left >= 0 ? .html : nil
            }
        }
        var publisher = try place.publisher(nodes: ["http://127.0.0.1:1", place.server.url])
        #expect(try await publisher.begin() == nil)
        _ = try await publisher.publish("in the end")
        #expect(try place.published().map(\.text) == ["in the end"])
        #expect(left.withLock { $0 } < 0)
        await place.server.shutdown()
    }

    @Test func anOlderCopyOfTheFileIsRefused() async throws {
        let place = try Place()
        let old = try Data(contentsOf: URL(fileURLWithPath: place.path))
        do {
            var publisher = try place.publisher()
            #expect(try await publisher.begin() == nil)
            _ = try await publisher.publish("one")
            _ = try await publisher.publish("two")
        }
        try old.write(to: URL(fileURLWithPath: place.path))
        var publisher = try place.publisher()
        await #expect(throws: PublishError.behind(path: place.path)) {
            _ = try await publisher.begin()
        }
        await place.server.shutdown()
    }

    @Test func junkAtTheNextAddressKeepsNobodyFromPublishing() async throws {
        let place = try Place()
        let address = ChannelAddress.address(of: place.root, mode: .restricted)
        _ = try await Publisher(ledger: place.server.ledger).publish(
            Trytes(String(repeating: "JUNK", count: 200)), at: address, tag: Trytes("JUNK"),
            time: 1_700_000_000_000)
        var publisher = try place.publisher()
        #expect(try await publisher.begin() == nil)
        _ = try await publisher.publish("one")
        #expect(try place.published().map(\.text) == ["one"])
        await place.server.shutdown()
    }

    @Test func whatIsTooLongUsesNoLeaf() async throws {
        let place = try Place()
        var publisher = try place.publisher()
        _ = try await publisher.begin()
        await #expect(throws: (any Error).self) {
            _ = try await publisher.publish(String(repeating: "x", count: 3_000_000))
        }
        #expect(try await publisher.publish("short").number == 1)
        #expect(try place.published().map(\.text) == ["short"])
        await place.server.shutdown()
    }

    @Test func aFileIsForOneProcessAndItsOwner() async throws {
        let place = try Place()
        let path = place.path
        do {
            let file = try PublisherFile(path: path)
            #expect(throws: PublishError.fileInUse(path: path)) {
                _ = try PublisherFile(path: path)
            }
            let channel = try file.load()
            #expect(throws: PublishError.fileExists(path: path)) { try file.create(channel) }
            #expect(chmod(path, 0o644) == 0)
            #expect(throws: PublishError.fileTooOpen(path: path)) { _ = try file.load() }
            #expect(chmod(path, 0o600) == 0)
            let content = try Data(contentsOf: URL(fileURLWithPath: path))
            for damaged in [Data(), content.dropLast(20), Data("{}".utf8)] {
                try damaged.write(to: URL(fileURLWithPath: path))
                #expect(throws: PublishError.fileDamaged(path: path)) { _ = try file.load() }
            }
            #expect(unlink(path) == 0)
            #expect(throws: PublishError.fileMissing(path: path)) { _ = try file.load() }
        }
        _ = try PublisherFile(path: path)
        await place.server.shutdown()
    }
}
