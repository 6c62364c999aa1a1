import Foundation

/// Room where the key ring lies, and files that may be open.
struct MachineExamination {
    /// A ring of ten thousand channels with retention takes some 15 MB, and is written anew beside
    /// the old one.
    private static let roomWanted: UInt64 = 256 << 20
    /// Connections that a server with many readers holds.
    private static let filesWanted: UInt64 = 4096

    private let configuration: Configuration

    init(_ configuration: Configuration) { self.configuration = configuration }

    func findings() -> [Finding] { [room, files].compactMap { $0 } }

    private var room: Finding? {
        guard let path = configuration.keyRing else { return nil }
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        guard let free = FreeRoom.bytes(at: folder) else {
            return .failing(
                "disk", "the key ring's folder cannot be looked at", "make it, with mode 0700")
        }
        let text = "\(free >> 20) MiB are free where the key ring lies"
        return free >= Self.roomWanted
            ? .well("disk", text)
            : .warning("disk", text, "make room: without it nobody can be forgotten")
    }

    private var files: Finding? {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return nil
        }
        let text = "\(limit.rlim_max) may be open"
        return limit.rlim_max >= Self.filesWanted
            ? .well("files", text)
            : .warning("files", text, "raise the limit (ulimit -n; LimitNOFILE=) for many readers")
    }
}
