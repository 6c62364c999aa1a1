import Assembly
import Diagnostics
import Foundation
import TestSupport
import Testing

/// What a service manager is told, on a real socket.
@Suite(.timeLimit(.minutes(5))) struct ServiceManagerTests {
    @Test(arguments: [false, true])
    func readyReloadingAndStoppingReachTheManager(abstract: Bool) throws {
        let name = NotifyReceiver.freeName(abstract: abstract)
        defer { unlink(name) }
        let receiver = try NotifyReceiver(name)
        let manager = ServiceManager(["NOTIFY_SOCKET": name])
        manager.ready("serving: api")
        #expect(receiver.next() == ["READY=1", "STATUS=serving: api"])
        var before = timespec()
        clock_gettime(CLOCK_MONOTONIC, &before)
        manager.reloading()
        let reloading = try #require(receiver.next())
        #expect(reloading.first == "RELOADING=1")
        let time = try #require(reloading.first { $0.hasPrefix("MONOTONIC_USEC=") })
        let microseconds = try #require(Int(time.dropFirst("MONOTONIC_USEC=".count)))
        #expect(microseconds >= before.tv_sec * 1_000_000 + before.tv_nsec / 1000)
        manager.stopping()
        #expect(receiver.next()?.first == "STOPPING=1")
    }

    @Test func withoutASocketOrWithNobodyAtItNothingIsSaid() {
        ServiceManager.none.ready("")
        ServiceManager(["NOTIFY_SOCKET": "/nonexistent/socket"]).stopping()
        for name in ["", "/", "vsock:2:1234", "relative", "/" + String(repeating: "a", count: 200)]
        {
            #expect(NotifySocket(name)?.send(["READY=1"]) != true)
        }
    }

    @Test func aSocketWhoseQueueIsFullHoldsNobodyUp() throws {
        let name = NotifyReceiver.freeName(abstract: true)
        let receiver = try NotifyReceiver(name)
        let socket = try #require(NotifySocket(name))
        var sent = 0
        while sent < 100_000, socket.send(["STATUS=\(sent)"]) { sent += 1 }
        #expect(sent > 0 && sent < 100_000)
        #expect(receiver.next() == ["STATUS=0"])
    }

    @Test func aChangeOfStateWaitsForRoomInTheQueue() async throws {
        let name = NotifyReceiver.freeName(abstract: true)
        let receiver = try NotifyReceiver(name)
        let socket = try #require(NotifySocket(name))
        while socket.send(["WATCHDOG=1"]) {}
        let waited = ContinuousClock().measure {
            #expect(!socket.send(["READY=1"], patience: .milliseconds(50)))
        }
        #expect(waited >= .milliseconds(50))
        #expect(NotifySocket.patience >= .seconds(1))
        let stopping = Task.detached { ServiceManager(["NOTIFY_SOCKET": name]).stopping() }
        #expect(try await receiver.wait(for: "STOPPING=1").count > 1)
        await stopping.value
    }

    @Test func theWatchdogIsOnlyMindedWhereItIsMeantForThisProcess() {
        let own = ProcessInfo.processInfo.processIdentifier
        #expect(ServiceManager(["WATCHDOG_USEC": "60000000"]).watchdog == .seconds(60))
        let meant = ["WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "\(own)"]
        #expect(ServiceManager(meant).watchdog == .seconds(60))
        let other = ["WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"]
        #expect(ServiceManager(other).watchdog == nil)
        let day = ServiceManager(["WATCHDOG_USEC": "86400000000"])
        #expect(day.watchdog == .seconds(86_400))
        #expect(ServiceManager(["WATCHDOG_USEC": "0"]).watchdog == nil)
        #expect(ServiceManager(["WATCHDOG_USEC": "soon"]).watchdog == nil)
    }

    @Test func signsOfLifeEndWithTheFirstPartThatIsSilentAndComeBackWithIt() async throws {
        let name = NotifyReceiver.freeName(abstract: true)
        let receiver = try NotifyReceiver(name)
        let manager = ServiceManager(["NOTIFY_SOCKET": name, "WATCHDOG_USEC": "40000"])
        let liveness = Liveness()
        let other = liveness.watch("other", limit: .seconds(3600))
        let crawler = liveness.watch("crawler", limit: .seconds(60))
        let watching = Task { await manager.keepWatch(liveness, status: "serving", log: .silent) }
        _ = try await receiver.wait(for: "WATCHDOG=1")
        // As if the last one had been long ago.
        crawler.beat(at: .now - .seconds(120))
        other.beat()
        _ = try await receiver.wait(for: "STATUS=not working: crawler")
        // Of some dozens that would have come.
        try await Task.sleep(for: .milliseconds(300))
        #expect(receiver.next() == nil)
        crawler.beat()
        _ = try await receiver.wait(for: "WATCHDOG=1")
        _ = try await receiver.wait(for: "STATUS=serving")
        watching.cancel()
        await watching.value
    }
}
