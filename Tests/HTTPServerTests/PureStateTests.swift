import Glibc
import HTTPServer
import Testing

@Suite("Stream buffer")
struct StreamBufferTests {
    private func move(_ buffer: inout StreamBuffer, _ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { target, moved in
            moved = buffer.move(into: UnsafeMutableRawBufferPointer(target))
        }
    }

    @Test("Bytes come out in order and never more than fit", arguments: [1, 2, 3, 7, 64])
    func order(capacity: Int) {
        var random = SystemRandomNumberGenerator()
        var buffer = StreamBuffer(capacity: capacity)
        var sent: [UInt8] = []
        var received: [UInt8] = []
        for _ in 0..<2000 {
            let piece = (0..<Int.random(in: 0...10, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            // A slice that does not start at 0, as what is left of a long write.
            let taken = buffer.append(([0] + piece)[1...])
            #expect(taken == min(piece.count, capacity - (sent.count - received.count)))
            sent += piece[..<taken]
            received += move(&buffer, Int.random(in: 0...10, using: &random))
            #expect(buffer.count == sent.count - received.count)
            #expect(buffer.count <= capacity)
        }
        received += move(&buffer, capacity)
        #expect(received == sent)
        #expect(!sent.isEmpty)
    }

    @Test("A writer goes on at half full")
    func room() {
        var buffer = StreamBuffer(capacity: 4)
        #expect(buffer.append([1, 2, 3, 4, 5]) == 4)
        #expect(!buffer.hasRoom)
        #expect(move(&buffer, 1) == [1])
        #expect(!buffer.hasRoom)
        #expect(move(&buffer, 1) == [2])
        #expect(buffer.hasRoom)
    }
}

@Suite("Admission of connections")
struct AdmissionTests {
    private func key(_ text: String) throws -> AddressKey {
        var hints = addrinfo()
        hints.ai_flags = AI_NUMERICHOST
        var found: UnsafeMutablePointer<addrinfo>?
        try #require(getaddrinfo(text, nil, &hints, &found) == 0)
        defer { freeaddrinfo(found) }
        return AddressKey(try #require(found).pointee.ai_addr)
    }

    @Test("IPv4 counts by address, IPv6 by network, and mapped IPv4 as IPv4")
    func keys() throws {
        #expect(try key("192.0.2.1") == key("192.0.2.1"))
        #expect(try key("192.0.2.1") != key("192.0.2.2"))
        #expect(try key("::ffff:192.0.2.1") == key("192.0.2.1"))
        #expect(try key("2001:db8::1") == key("2001:db8::ffff:0:1"))
        #expect(try key("2001:db8::1") != key("2001:db8:0:1::1"))
        #expect(try key("::192.0.2.1") != key("192.0.2.1"))
    }

    @Test("Beyond either limit some are turned away and the rest refused")
    func limits() throws {
        let (one, two) = (try key("192.0.2.1"), try key("192.0.2.2"))
        var admission = Admission(connections: 3, connectionsPerAddress: 2)
        func decision(_ address: AddressKey) -> Admission.Decision {
            admission.decision(for: address) { _ in false }
        }
        for _ in 0..<2 {
            #expect(decision(one) == .serve)
            admission.entered(one, isServed: true)
        }
        #expect(decision(one) == .turnAway)
        #expect(decision(two) == .serve)
        admission.entered(two, isServed: true)
        #expect(decision(two) == .turnAway)
        for _ in 0..<Admission.turnedAwayAtOnce {
            #expect(decision(two) == .turnAway)
            admission.entered(two, isServed: false)
        }
        #expect(decision(two) == .refuse)
        admission.left(two, isServed: false, wasDisplaced: false)
        #expect(decision(two) == .turnAway)
        admission.left(one, isServed: true, wasDisplaced: false)
        #expect(decision(one) == .serve)
    }

    @Test("Who waits makes room, of the same address where that has too many, and not all at once")
    func displacing() throws {
        let (one, two) = (try key("192.0.2.1"), try key("192.0.2.2"))
        var admission = Admission(connections: 100, connectionsPerAddress: 99)
        for _ in 0..<99 { admission.entered(one, isServed: true) }
        #expect(admission.decision(for: one) { $0 } == .displace)
        #expect(admission.decision(for: one) { !$0 } == .turnAway)
        #expect(admission.decision(for: two) { _ in true } == .serve)
        admission.entered(two, isServed: true)
        #expect(admission.decision(for: two) { !$0 } == .displace)
        for _ in 0..<Admission.leavingAtOnce {
            #expect(admission.decision(for: two) { _ in true } == .displace)
            admission.displaced(one)
            admission.entered(two, isServed: true)
        }
        #expect(admission.served == 100)
        #expect(admission.decision(for: two) { _ in true } == .turnAway)
        admission.left(one, isServed: true, wasDisplaced: true)
        #expect(admission.served == 100)
        #expect(admission.decision(for: two) { _ in true } == .displace)
    }

    @Test("An address with its share displaces nobody, unless one may take all places")
    func shares() throws {
        let (one, two) = (try key("192.0.2.1"), try key("192.0.2.2"))
        var admission = Admission(connections: 4, connectionsPerAddress: 3)
        var behindProxy = Admission(connections: 4, connectionsPerAddress: 4)
        for address in [one, one, two] {
            #expect(admission.decision(for: address, hasShare: true) { _ in true } == .serve)
            admission.entered(address, isServed: true)
            behindProxy.entered(address, isServed: true)
        }
        admission.entered(two, isServed: true)
        behindProxy.entered(two, isServed: true)
        #expect(admission.decision(for: one, hasShare: true) { _ in true } == .refuse)
        #expect(admission.decision(for: one, hasShare: false) { _ in true } == .displace)
        #expect(behindProxy.decision(for: one, hasShare: true) { _ in true } == .displace)
        // Who is at the limit of its address makes room among its own.
        admission.left(two, isServed: true, wasDisplaced: false)
        admission.entered(one, isServed: true)
        #expect(admission.decision(for: one, hasShare: true) { $0 } == .displace)
    }

    @Test("A share is half of the places of each address that leaves requests unfinished")
    func halfShares() throws {
        let (one, two) = (try key("192.0.2.1"), try key("2001:db8::1"))
        var unfinished = UnfinishedRequests<Int>()
        #expect(!unfinished.hasShare(one, of: 40))
        for member in 0..<20 { unfinished.enter(member, of: one) }
        #expect(unfinished.hasShare(one, of: 40))
        unfinished.leave(7, of: one)
        unfinished.leave(7, of: one)
        #expect(unfinished.count == 19)
        #expect(!unfinished.hasShare(one, of: 40))
        for member in 100..<110 { unfinished.enter(member, of: two) }
        #expect(unfinished.hasShare(one, of: 40))
        #expect(unfinished.hasShare(try key("2001:db8::2"), of: 40))
        unfinished.leave(100, of: two)
        #expect(!unfinished.hasShare(two, of: 40))
        #expect(unfinished.first() == 0)
        // So few that readers who come at the same moment may have begun as many.
        for member in 102..<107 { unfinished.leave(member, of: two) }
        #expect(unfinished.hasShare(two, of: 8))
        unfinished.leave(107, of: two)
        #expect(!unfinished.hasShare(two, of: 8))
        for member in 0..<200 { unfinished.leave(member, of: member < 20 ? one : two) }
        #expect(unfinished.count == 0)
        #expect(!unfinished.hasShare(one, of: 0))
    }
}

@Suite("Who waits longest")
struct WaitingLineTests {
    @Test("The first who is still there, also after many have come and gone")
    func order() {
        var line = WaitingLine<Int>()
        #expect(line.first() == nil)
        for member in 0..<1000 {
            line.enter(member)
            guard member >= 3 else { continue }
            let waited = line.leave(member - 3)
            #expect(waited)
        }
        #expect(line.count == 3)
        #expect(line.first() == 997)
        #expect(line.first { $0 != 997 } == 998)
        line.enter(997)
        #expect(line.first() == 998)
        let waited = line.leave(5)
        #expect(!waited)
        for member in [998, 999, 997] {
            #expect(line.first() == member)
            line.leave(member)
        }
        #expect(line.first() == nil)
    }
}

@Suite("Taking in a request")
struct RequestIntakeTests {
    private func head(
        _ headers: HTTPHeaders, target: String = "/"
    ) -> (RequestIntake, RequestIntake.Step) {
        var limits = HTTPLimits()
        limits.bodyBytes = 10
        var intake = RequestIntake(limits: limits)
        let step = intake.head(target: target, headers: headers, refusal: nil)
        return (intake, step)
    }

    @Test("Framing that two readers could read differently is refused at once")
    func framing() {
        var twice: HTTPHeaders = ["Content-Length": "1"]
        twice.append("content-length", "1")
        let malformed: [HTTPHeaders] = [
            twice, ["Content-Length": "-1"], ["Content-Length": "+1"], ["Content-Length": ""],
            ["Content-Length": "1, 1"], ["Content-Length": "99999999999999999999"],
            ["Transfer-Encoding": "chunked", "Content-Length": "1"],
            ["Transfer-Encoding": "gzip, chunked"], ["Transfer-Encoding": "identity"],
        ]
        for headers in malformed {
            #expect(head(headers).1 == .answerAndClose(.malformedFraming), "\(headers)")
        }
        #expect(head(["Transfer-Encoding": "Chunked"]).1 == .proceed)
        #expect(head(["Content-Length": "10"]).0.refusal == nil)
    }

    @Test("A refused body is read and dropped, unless it is huge or not yet sent")
    func refusedBodies() {
        let small = head(["Content-Length": "11"])
        #expect(small.1 == .proceed)
        #expect(small.0.refusal == .bodyTooLarge(limit: 10))
        let huge = "\(RequestIntake.discardedBytes + 1)"
        #expect(head(["Content-Length": huge]).1 == .answerAndClose(.bodyTooLarge(limit: 10)))
        #expect(
            head(["Content-Length": "11", "Expect": "100-continue"]).1
                == .answerAndClose(.bodyTooLarge(limit: 10)))
    }

    @Test("A body of unknown length is dropped once it is too long, and cut in the end")
    func unknownLength() {
        var (intake, _) = head(["Transfer-Encoding": "chunked"])
        let piece = [UInt8](repeating: 1, count: 10)
        #expect(piece.withUnsafeBytes { intake.receive($0) { _ in true } })
        #expect(intake.refusal == nil)
        #expect(piece.withUnsafeBytes { intake.receive($0) { _ in true } })
        #expect(intake.refusal == .bodyTooLarge(limit: 10))
        #expect(intake.body.count == 10)
        let megabyte = [UInt8](repeating: 1, count: 1 << 20)
        var pieces = 0
        while pieces < 100, megabyte.withUnsafeBytes({ intake.receive($0) { _ in true } }) {
            pieces += 1
        }
        #expect(pieces == RequestIntake.discardedBytes / megabyte.count - 1)
    }

    @Test("Where the bodies held take all memory, a request is refused")
    func memory() {
        var (intake, _) = head(["Content-Length": "4"])
        #expect([1 as UInt8, 2, 3, 4].withUnsafeBytes { intake.receive($0) { _ in false } })
        #expect(intake.refusal == .busy)
        #expect(intake.body.isEmpty)
    }
}
