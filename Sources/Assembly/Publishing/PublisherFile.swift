import Foundation
import MAM
import Tangle
import Ternary

/// The file that a published channel is kept in: mode 0600, replaced as a whole, on disk when
/// `save` returns; one process at a time.
///
/// JSON, because a device's owner may have to look at it; the seed stands in it, so whoever reads
/// it can write the channel.
package final class PublisherFile: Sendable {
    /// A bundle of the longest message, attached, and all else.
    private static let byteLimit = 1 << 20

    private struct Content: Codable {
        struct Message: Codable {
            var payload: Trytes
            var address: Hash
            var timestamp: Int64
            var attached: [Trytes]
            var attachedAt: Int64
        }

        var version: Int
        var seed: String
        var mode: ChannelMode
        var sideKey: String?
        var securityLevel: Int
        var tree: UInt64
        var pending: Message?
    }

    private static let version = 1

    package let path: String
    /// Locked as long as this lives.
    private let lock: Int32

    /// Takes the file for this process.
    ///
    /// - Throws: `PublishError.fileInUse`, `.fileInaccessible`.
    package init(path: String) throws(PublishError) {
        self.path = path
        lock = open(path + ".lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard lock >= 0 else { throw Self.inaccessible(path) }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            let isTaken = errno == EWOULDBLOCK
            let error = Self.inaccessible(path)
            // `deinit` closes it: everything was set.
            throw isTaken ? .fileInUse(path: path) : error
        }
    }

    deinit { close(lock) }

    private static func inaccessible(_ path: String) -> PublishError {
        .fileInaccessible(path: path, reason: String(cString: strerror(errno)))
    }

    /// - Throws: `PublishError.fileExists`, and as `save`.
    package func create(_ channel: PublishedChannel) throws(PublishError) {
        guard access(path, F_OK) != 0 else { throw .fileExists(path: path) }
        try save(channel)
    }

    /// - Throws: `PublishError`.
    package func load() throws(PublishError) -> PublishedChannel {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw errno == ENOENT ? .fileMissing(path: path) : Self.inaccessible(path)
        }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Self.inaccessible(path) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .fileDamaged(path: path) }
        guard status.st_mode & 0o077 == 0 else { throw .fileTooOpen(path: path) }
        guard status.st_size <= Self.byteLimit, let data = try? file.readToEnd(),
            let content = try? JSONDecoder().decode(Content.self, from: data),
            content.version == Self.version, let channel = try? Self.channel(content)
        else { throw .fileDamaged(path: path) }
        return channel
    }

    private static func channel(_ content: Content) throws -> PublishedChannel {
        try PublishedChannel(
            seed: Seed(content.seed), mode: content.mode,
            sideKey: content.sideKey.map { try SideKey($0) },
            securityLevel: content.securityLevel, tree: content.tree,
            pending: content.pending.map { message in
                PublishedChannel.Pending(
                    payload: message.payload, address: message.address,
                    timestamp: message.timestamp,
                    attached: try message.attached.map { try Transaction(trytes: $0) },
                    attachedAt: message.attachedAt)
            })
    }

    /// Replaces the file. After an error it is as it was, or as it should be.
    ///
    /// - Throws: `PublishError.fileInaccessible`.
    package func save(_ channel: PublishedChannel) throws(PublishError) {
        let content = Content(
            version: Self.version, seed: channel.seed.revealTrytes().description,
            mode: channel.mode, sideKey: channel.sideKey?.revealTrytes().description,
            securityLevel: channel.securityLevel, tree: channel.tree,
            pending: channel.pending.map {
                Content.Message(
                    payload: $0.payload, address: $0.address, timestamp: $0.timestamp,
                    attached: $0.attached.map(\.trytes), attachedAt: $0.attachedAt)
            })
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        guard let data = try? encoder.encode(content) else { throw .fileDamaged(path: path) }
        let new = path + ".new"
        try write(Array(data) + [UInt8(ascii: "\n")], to: new)
        guard rename(new, path) == 0 else { throw Self.inaccessible(path) }
        try syncFolder()
    }

    private func write(_ bytes: [UInt8], to new: String) throws(PublishError) {
        // What a kill left there may be of anybody's mode.
        unlink(new)
        let descriptor = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw Self.inaccessible(path) }
        defer { close(descriptor) }
        var from = 0
        while from < bytes.count {
            let count = bytes.withUnsafeBytes {
                Foundation.write(descriptor, $0.baseAddress.map { $0 + from }, bytes.count - from)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Self.inaccessible(path) }
            from += count
        }
        guard fsync(descriptor) == 0 else { throw Self.inaccessible(path) }
    }

    private func syncFolder() throws(PublishError) {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        let descriptor = open(folder, O_RDONLY | O_CLOEXEC | O_DIRECTORY)
        guard descriptor >= 0 else { throw Self.inaccessible(path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw Self.inaccessible(path) }
    }
}
