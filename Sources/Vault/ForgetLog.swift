import Foundation
import Secrets
import Synchronization

/// The forget log, `PATH.forgotten` beside the key ring: what was forgotten, in order, written
/// and on disk *before* the ring is changed.
///
/// It holds no key. From it a ring that was restored from an older copy is punctured again, and
/// a restored database gets the tombstones it lacks. It only ever grows: 64 bytes for each
/// forgotten root, channel or stretch of periods.
///
/// Several processes append in turns, under the ring's lock. What stands behind the last whole
/// record was never acknowledged, and is cut off by the next append; damage before a record
/// that was acknowledged is an error.
final class ForgetLog: Sendable {
    let path: String

    let format: ForgetLogFormat
    /// As far as this process knows the log. A log without it is an older copy.
    private let known = Mutex<ForgetLogHead?>(nil)

    init(ringPath: String, ring: KeyRing) throws(SecretsError) {
        path = Self.path(ofRing: ringPath)
        format = ForgetLogFormat(key: try ring.key(.forgetLog), identifier: ring.identifier)
    }

    init(path: String, format: ForgetLogFormat) {
        self.path = path
        self.format = format
    }

    static func path(ofRing ringPath: String) -> String { ringPath + ".forgotten" }

    /// What reading the log to its end found.
    struct Scan: Equatable {
        var head: ForgetLogHead
        /// Bytes behind the last whole record.
        var tornCount = 0
    }

    /// The head that this process last saw.
    var head: ForgetLogHead? { known.withLock { $0 } }

    /// Makes an empty log; under the ring's lock.
    func create(like model: stat?) throws(VaultError) {
        let newPath = path + ".new"
        unlink(newPath)
        do {
            let file = try RingDescriptor(
                newPath, O_WRONLY | O_CREAT | O_EXCL, operation: "create the forget log")
            try file.restrict(like: model)
            try Self.write(format.header, to: file)
            try file.synchronize()
        }
        guard rename(newPath, path) == 0 else { throw .system(path, "create the forget log") }
        try RingDescriptor.synchronizeFolder(of: path)
    }

    /// Reads every record after `start`, or all of them, in order and in bounded memory; at most
    /// `limit`.
    ///
    /// - Throws: `VaultError.ringMissing`, `ringTooOpen`, `logDamaged`, `ringUnsupported`,
    ///   `ringInaccessible`; `logWentBack` where `start` is not in it; what `body` throws.
    @discardableResult
    func scan(
        after start: ForgetLogHead? = nil, limit: Int = .max,
        _ body: (ForgetLogRecord) throws(VaultError) -> Void = { (_) throws(VaultError) in }
    ) throws(VaultError) -> Scan {
        let file = try RingDescriptor(path, O_RDONLY | O_NONBLOCK, operation: "open the forget log")
        let scan = try scan(file, after: start, limit: limit, body)
        known.withLock { known in
            if scan.head.sequence >= known?.sequence ?? 0 { known = scan.head }
        }
        return scan
    }

    /// Appends records and waits until the disk has them; under the ring's lock.
    ///
    /// - Returns: The head after them.
    /// - Throws: As `scan`; `logFull`.
    @discardableResult
    func append(_ contents: [ForgetLogRecord.Content]) throws(VaultError) -> ForgetLogHead {
        let file = try RingDescriptor(path, O_RDWR | O_NONBLOCK, operation: "open the forget log")
        let scan = try scan(file, after: head, limit: .max) { (_) throws(VaultError) in }
        let end = Self.offset(after: scan.head.sequence)
        if scan.tornCount > 0 {
            try file.truncate(to: end)
            try file.synchronize()
        }
        guard !contents.isEmpty else { return remember(scan.head) }
        guard scan.head.sequence + UInt64(contents.count) <= ForgetLogFormat.maximumRecords else {
            throw .logFull(path: path)
        }
        let (bytes, head) = format.encode(contents, after: scan.head)
        do {
            try file.seek(to: end)
            // The last record says that the batch is whole, so it may only come when the others
            // are on disk: what a crash leaves can then be told from damage.
            let others = bytes.count - ForgetLogFormat.recordCount
            if others > 0 {
                try Self.write(bytes[..<others], to: file)
                try file.synchronize()
            }
            try Self.write(bytes[others...], to: file)
            try file.synchronize()
        } catch {
            try? cutTorn(file, after: scan.head)
            throw error
        }
        return remember(head)
    }

    /// After a write that failed (a full disk) leaves whole records only. Those of an unfinished
    /// batch stay: a process that reads may have seen them, and what they say was asked for and
    /// will be again.
    private func cutTorn(
        _ file: borrowing RingDescriptor, after head: ForgetLogHead
    ) throws(VaultError) {
        let left = try scan(file, after: head, limit: .max) { (_) throws(VaultError) in }
        try file.truncate(to: Self.offset(after: left.head.sequence))
        try file.synchronize()
    }

    /// The head that the log had when `sequence` was its last record, read without looking at
    /// what comes before; nil where the log is shorter.
    func head(at sequence: UInt64) throws(VaultError) -> ForgetLogHead? {
        let file = try RingDescriptor(path, O_RDONLY | O_NONBLOCK, operation: "open the forget log")
        return try head(at: sequence, in: file)
    }

    private func remember(_ head: ForgetLogHead) -> ForgetLogHead {
        known.withLock { $0 = head }
        return head
    }

    static func offset(after sequence: UInt64) -> Int {
        (Int(sequence) + 1) * ForgetLogFormat.recordCount
    }

    static func write(_ bytes: some Collection<UInt8>, to file: borrowing RingDescriptor)
        throws(VaultError)
    {
        let bytes = Array(bytes)
        // In two steps, because a typed error does not pass through `withUnsafeBytes`.
        let failure = bytes.withUnsafeBytes { (memory) -> VaultError? in
            do throws(VaultError) {
                try file.write(memory)
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw failure }
    }

    private func start(of file: borrowing RingDescriptor) throws(VaultError) -> ForgetLogHead {
        let status = try file.status()
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .logDamaged(path: path, record: 0, what: "it is no regular file")
        }
        let mode = status.st_mode & 0o777
        guard mode & 0o077 == 0 else { throw .ringTooOpen(path: path, mode: UInt32(mode)) }
        try file.seek(to: 0)
        let header = try file.read(ForgetLogFormat.recordCount)
        do throws(ForgetLogFormat.Fault) {
            return try header.withBytes { bytes throws(ForgetLogFormat.Fault) in
                try format.start(bytes)
            }
        } catch {
            switch error {
            case .damaged(let what): throw .logDamaged(path: path, record: 0, what: what)
            case .unsupported(let version): throw .ringUnsupported(path: path, version: version)
            }
        }
    }

    private func head(
        at sequence: UInt64, in file: borrowing RingDescriptor
    ) throws(VaultError) -> ForgetLogHead? {
        let start = try start(of: file)
        guard sequence > 0 else { return start }
        guard sequence <= ForgetLogFormat.maximumRecords else { return nil }
        try file.seek(to: Self.offset(after: sequence - 1))
        let record = try file.read(ForgetLogFormat.recordCount)
        guard record.count == ForgetLogFormat.recordCount else { return nil }
        return record.withBytes { bytes in
            guard ForgetLogFormat.sequence(bytes) == sequence else { return nil }
            return ForgetLogHead(sequence: sequence, check: ForgetLogFormat.check(bytes))
        }
    }

    private func scan(
        _ file: borrowing RingDescriptor, after start: ForgetLogHead?, limit: Int,
        _ body: (ForgetLogRecord) throws(VaultError) -> Void
    ) throws(VaultError) -> Scan {
        var scan = Scan(head: try self.start(of: file))
        if let start, start.sequence > 0 {
            guard try head(at: start.sequence, in: file) == start else {
                throw .logWentBack(path: path)
            }
            scan.head = start
        }
        try file.seek(to: Self.offset(after: scan.head.sequence))
        let recordCount = ForgetLogFormat.recordCount
        var broken: BrokenTail?
        var left = limit
        while left > 0 {
            let size = min(Self.chunkRecords, left) * recordCount
            let chunk = try file.read(size)
            try chunk.withBytes { bytes throws(VaultError) in
                for offset in stride(from: 0, to: bytes.count, by: recordCount) {
                    let end = min(offset + recordCount, bytes.count)
                    let record = UnsafeRawBufferPointer(rebasing: bytes[offset..<end])
                    if broken != nil {
                        scan.tornCount += record.count
                        guard broken?.isFollowed(by: record, format) != true else {
                            throw .logDamaged(
                                path: path, record: scan.head.sequence + 1,
                                what: "a record does not have its check")
                        }
                    } else if record.count == recordCount,
                        let next = format.decode(record, after: scan.head)
                    {
                        try body(next.record)
                        scan.head = next.head
                        left -= 1
                    } else {
                        scan.tornCount += record.count
                        broken = BrokenTail(record, after: scan.head.check, format)
                    }
                }
            }
            guard chunk.count == size else { break }
        }
        return scan
    }

    /// Records read at once: 64 KiB.
    private static let chunkRecords = 1_024

    /// Tells damage from what a crash leaves: a batch without its last record.
    private struct BrokenTail {
        /// What the next record's check may build on: the check that stands in the latest one, and
        /// the one that should.
        private var previous: [[UInt8]]

        init(_ record: UnsafeRawBufferPointer, after check: [UInt8], _ format: ForgetLogFormat) {
            previous = []
            guard record.count == ForgetLogFormat.recordCount else { return }
            previous = [ForgetLogFormat.check(record), format.computedCheck(record, after: check)]
        }

        /// Whether the next record is whole and ends a batch: then those before it had been on
        /// disk.
        mutating func isFollowed(
            by record: UnsafeRawBufferPointer, _ format: ForgetLogFormat
        ) -> Bool {
            guard record.count == ForgetLogFormat.recordCount else { return false }
            let isWhole = previous.contains { format.hasCheck(record, after: $0) }
            if isWhole, ForgetLogFormat.endsBatch(record) { return true }
            previous =
                [ForgetLogFormat.check(record)]
                + previous.map { format.computedCheck(record, after: $0) }.prefix(1)
            return false
        }
    }
}
