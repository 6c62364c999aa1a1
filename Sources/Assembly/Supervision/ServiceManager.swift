import Diagnostics
import Foundation

/// What the process tells whoever supervises it: systemd, or nobody.
package struct ServiceManager: Sendable {
    private let socket: NotifySocket?
    /// How long the manager waits for a sign of life; nil where it does not.
    package let watchdog: Duration?

    /// A manager that does not listen.
    package static let none = ServiceManager([:])

    /// - Parameter process: This process: the watchdog may be meant for another one.
    package init(
        _ environment: [String: String],
        process: Int32 = ProcessInfo.processInfo.processIdentifier
    ) {
        socket = NotifySocket(environment)
        let isMeant = environment["WATCHDOG_PID"].map { Int32($0) == process } ?? true
        let microseconds = environment["WATCHDOG_USEC"].flatMap(UInt64.init) ?? 0
        watchdog =
            isMeant && microseconds > 0 ? .microseconds(Int64(clamping: microseconds)) : nil
    }

    /// Everything is up: what was to be listened at is.
    package func ready(_ status: String) {
        change(["READY=1", "STATUS=\(status)"])
    }

    /// One line for people, as `systemctl status` shows it.
    package func tell(_ status: String) {
        socket?.send(["STATUS=\(status)"])
    }

    /// The configuration is being read anew; `ready` says that this is over.
    package func reloading() {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        let microseconds = Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
        change(["RELOADING=1", "MONOTONIC_USEC=\(microseconds)", "STATUS=reloading"])
    }

    /// The process ends, in its own time.
    package func stopping() {
        change(["STOPPING=1", "STATUS=stopping"])
    }

    /// What is said once only.
    private func change(_ lines: [String]) {
        socket?.send(lines, patience: NotifySocket.patience)
    }

    /// Gives signs of life for as long as all parts are at work, until the task is cancelled. That a
    /// part has fallen silent is said once, and again when it is back.
    ///
    /// It asks also where no manager waits for it, so that the log tells.
    ///
    /// - Parameter status: what is told while all parts are at work.
    package func keepWatch(_ liveness: Liveness, status: String, log: Log) async {
        var missing: [String] = []
        while !Task.isCancelled {
            let silent = liveness.silent()
            if silent.isEmpty {
                if watchdog != nil { socket?.send(["WATCHDOG=1"]) }
                if !missing.isEmpty {
                    log.info("all parts are at work again")
                    tell(status)
                }
            } else if silent != missing {
                log.error(
                    "a part has stopped working: no sign of life is given any more",
                    ["parts": .string(silent.joined(separator: ","))])
                tell("not working: \(silent.joined(separator: ", "))")
            }
            missing = silent
            try? await Task.sleep(for: interval)
        }
    }

    /// Twice as often as *sd_watchdog_enabled(3)* advises, since a busy machine may delay one.
    private var interval: Duration {
        min(max((watchdog ?? .seconds(40)) / 4, .milliseconds(10)), .seconds(10))
    }
}
