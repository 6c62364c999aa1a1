import Archive
import Diagnostics
import Foundation
import Vault

/// What a collector is told of the process and of what it stands on, looked at now and then.
struct ServiceGauges: Sendable {
    private static let interval: Duration = .seconds(15)
    /// Counting ten million channels takes the database a second.
    private static let countInterval: Duration = .seconds(60)

    private let archive: Archive
    private let ringFolder: String
    private let liveness: Liveness
    private let silence: Gauge
    private let memory: Gauge
    private let openFiles: Gauge
    private let ringRoom: Gauge
    private let channels: Gauge

    /// - Throws: `MetricsError` where the names are taken by others.
    init(
        _ archive: Archive, _ configuration: Configuration, _ metrics: Metrics,
        liveness: Liveness
    ) throws {
        self.archive = archive
        self.liveness = liveness
        ringFolder =
            URL(fileURLWithPath: configuration.keyRing ?? "/")
            .deletingLastPathComponent().path
        silence = try metrics.gauge(
            "permanode_part_silence_seconds",
            help: "For how long a part of the service has given no sign of life.",
            labels: [MetricLabel("part", ServiceRole.self)], omitsUnset: true)
        memory = try metrics.gauge(
            "process_resident_memory_bytes", help: "Memory that the process takes.")
        openFiles = try metrics.gauge(
            "process_open_fds", help: "Files and sockets that the process has open.")
        ringRoom = try metrics.gauge(
            "permanode_key_ring_disk_free_bytes", help: "Room where the key ring lies.")
        channels = try metrics.gauge(
            "permanode_channels", help: "Channels by state.",
            labels: [MetricLabel("state", ChannelState.self)])
        try metrics.gauge("process_start_time_seconds", help: "When the process began.")
            .set(Date().timeIntervalSince1970)
        look()
    }

    /// Counts channels, until the task is cancelled. While the database is away, its last numbers
    /// stand.
    func countChannels() async {
        while !Task.isCancelled {
            if let counts = try? await archive.channelCounts(within: .all) {
                for state in ChannelState.allCases {
                    channels.set(Double(counts[state] ?? 0), state.rawValue)
                }
            }
            try? await Task.sleep(for: Self.countInterval)
        }
    }

    /// Until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            look()
            try? await Task.sleep(for: Self.interval)
        }
    }

    /// What costs nothing.
    private func look() {
        for (name, duration) in liveness.silences() {
            silence.set(duration / .seconds(1), name)
        }
        if let pages = Self.residentPages {
            memory.set(Double(pages) * Double(sysconf(Int32(_SC_PAGESIZE))))
        }
        if let open = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") {
            openFiles.set(Double(open.count))
        }
        if let free = FreeRoom.bytes(at: ringFolder) { ringRoom.set(Double(free)) }
    }

    private static var residentPages: Int? {
        let fields = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
            .split(separator: " ")
        return fields.flatMap { $0.count > 1 ? Int($0[1]) : nil }
    }
}

/// Room on a file system.
enum FreeRoom {
    /// Bytes that this process may still write where a folder lies; nil where it cannot be looked at.
    static func bytes(at folder: String) -> UInt64? {
        var status = statvfs()
        guard statvfs(folder, &status) == 0 else { return nil }
        return UInt64(status.f_bavail) * UInt64(status.f_frsize)
    }
}
