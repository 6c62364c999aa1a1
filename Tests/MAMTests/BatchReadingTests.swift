import MAM
import Ternary
import TestSupport
import Testing

/// Many payloads at once give each what it gives alone, on every path.
@Suite struct BatchReadingTests {
    static let paths = CurlPLanes.Path.allCases.filter(\.isAvailable)

    /// Good ones of every length and level, and every kind of broken one among them.
    private static func mixture() throws -> [ReadRequest] {
        let vectors = try ChannelVector.all().flatMap(\.allMessages)
        var requests: [ReadRequest] = []
        for (number, vector) in vectors.enumerated() {
            requests.append(try vector.request())
            let payload = vector.payload
            let layout = try PayloadLayout.parse(payload)
            let cuts = [
                0, 2, 5, layout.headTritCount / 6, layout.headTryteCount,
                layout.headTryteCount + 100, payload.count - 2187,
            ]
            let cut = cuts[number % cuts.count]
            requests.append(try vector.request(payload[0..<cut]))
            var changed = payload.ascii
            let place = [1, 20, layout.headTryteCount - 20, layout.headTryteCount + 40][number % 4]
            guard changed.indices.contains(place) else { continue }
            changed[place] =
                changed[place] == UInt8(ascii: "M") ? UInt8(ascii: "9") : changed[place] % 26 + 65
            requests.append(try vector.request(Trytes(ascii: changed)))
        }
        let root = try Root(String(repeating: "R", count: 81))
        for character in "9MNZ".utf8 {
            for count in [0, 1, 13, 135, 6561] {
                let payload = Trytes(validated: [UInt8](repeating: character, count: count))
                requests.append(ReadRequest(payload: payload, root: root))
            }
        }
        let genuine = try ChannelVector.named("attacked").messages
        for forgery in try ForgeryVector.all() {
            if let original = genuine.first(where: { $0.address == forgery.address }) {
                requests.append(try original.request(forgery.payload))
            }
        }
        return requests
    }

    private static func packed(_ request: ReadRequest) throws -> ReadRequest {
        guard case .trytes(let trytes) = request.payload else { return request }
        return try ReadRequest(
            packed: T5B1.pack(trytes.trits), tritCount: trytes.count * 3, root: request.root,
            sideKey: request.sideKey)
    }

    @Test(arguments: [Verification.full, .alreadyVerified])
    func givesEachItsOwnOutcomeInOrder(verification: Verification) throws {
        let requests = try Self.mixture()
        let alone = requests.flatMap { MessageReader.read([$0], verification, path: .plain) }
        #expect(requests.count > 2 * MessageReader.fewestForLanes)
        #expect(alone.count == requests.count)
        #expect(Set(alone.compactMap { Self.error($0) }).count >= 5)
        #expect(alone.contains { (try? $0.get()) != nil })
        for path in Self.paths {
            #expect(MessageReader.read(requests, verification, path: path) == alone, "\(path)")
            let packed = try requests.map { try Self.packed($0) }
            #expect(
                MessageReader.read(packed, verification, path: path) == alone, "\(path), packed")
            let some = requests.prefix(MessageReader.fewestForLanes - 1)
            #expect(
                MessageReader.read(Array(some), verification, path: path)
                    == Array(alone.prefix(some.count)), "\(path), a few")
        }
    }

    private static func error(_ result: Result<Message, ReadError>) -> ReadError? {
        guard case .failure(let error) = result else { return nil }
        return error
    }

    @Test func givesTheSameMoreThanAThousandTimes() throws {
        let requests = try Self.mixture()
        let many = (0...(1100 / requests.count)).flatMap { _ in requests }
        let once = MessageReader.read(requests, .full)
        let results = MessageReader.read(many, .full)
        #expect(results.count > 1024)
        for (place, result) in results.enumerated() {
            #expect(result == once[place % once.count], "\(place)")
        }
    }

    @Test func aPackedPayloadThatIsNoneIsRefused() throws {
        let root = try Root(String(repeating: "R", count: 81))
        #expect(throws: TernaryError.wrongLength(expected: 2, actual: 1)) {
            try ReadRequest(packed: [0], tritCount: 6, root: root)
        }
        #expect(throws: TernaryError.notFiveTrits(offset: 0)) {
            try ReadRequest(packed: [122], tritCount: 5, root: root)
        }
        #expect(throws: TernaryError.excessTrits) {
            try ReadRequest(packed: [81], tritCount: 4, root: root)
        }
    }

    /// A head that ends within a byte, as the archive keeps it.
    @Test func readsAPackedHeadWithoutWhatFollows() throws {
        let vectors = try ChannelVector.all().flatMap(\.allMessages)
        #expect(!vectors.isEmpty)
        let requests = try vectors.map { vector in
            let count = try PayloadLayout.parse(vector.payload).headTritCount
            let request = try vector.request()
            return try ReadRequest(
                packed: T5B1.pack(vector.payload.trits.prefix(count)), tritCount: count,
                root: request.root, sideKey: request.sideKey)
        }
        for path in Self.paths {
            let results = MessageReader.read(requests, .alreadyVerified, path: path)
            for (vector, result) in zip(vectors, results) {
                #expect(vector.contents.contains(try result.get().contentTrytes))
            }
        }
    }
}
