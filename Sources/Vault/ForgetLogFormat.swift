import Secrets

/// The bytes of a forget log, version 1. Integers are big-endian; header and records have 64
/// bytes each, so that no record crosses a sector or a page.
///
///     header  offset  bytes                     record  offset  bytes
///                  0      8  "PMNDFLOG"                      0      8  sequence, from 1
///                  8      2  version, 1                      8      1  kind: 1 path, 2 tombstone, 3 lifted,
///                                                                   4 buried again, 5 partly forgotten
///                 10     16  the ring's identifier           9      1  1 in the last of a batch
///                 26     22  0                              10      6  number
///                 48     16  check                          16     32  content
///                                                           48     16  check
///
/// A path's content is its bits (8, left-aligned), its depth (1) and zeros; the others' is a hash.
/// The number is how often the tombstone has been lifted (3, 4), the channel (5), or 0. A check is keyed BLAKE2b-128 over the check before (none before the header's) and the
/// 48 bytes; the key is derived from the ring's global key, which all copies of a ring share.
/// So who has no ring can neither write a record nor take one out of the middle.
struct ForgetLogFormat: Sendable {
    static let recordCount = 64
    /// More roots than a disk has room for: a log that is full would let nobody be forgotten.
    static let maximumRecords: UInt64 = 1 << 40

    static let bodyCount = 48
    private static let magic = Array("PMNDFLOG".utf8)
    private static let version: UInt16 = 1

    let key: SecretBytes
    let identifier: [UInt8]

    /// Why bytes are no header of this ring's log.
    enum Fault: Error, Equatable {
        case damaged(String)
        case unsupported(UInt16)
    }

    var header: [UInt8] {
        var bytes = Self.magic + bigEndian(Self.version) + identifier
        bytes += [UInt8](repeating: 0, count: Self.bodyCount - bytes.count)
        return bytes + check(of: bytes, after: [])
    }

    /// The head of a log without records.
    func start(_ bytes: UnsafeRawBufferPointer) throws(Fault) -> ForgetLogHead {
        guard bytes.count == Self.recordCount, bytes.prefix(8).elementsEqual(Self.magic) else {
            throw .damaged("it is another kind of file")
        }
        let found = UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt16.self))
        guard found == Self.version else { throw .unsupported(found) }
        guard bytes[10..<26].elementsEqual(identifier) else {
            throw .damaged("it belongs to another key ring")
        }
        let header = header
        guard constantTimeEqual(Array(bytes), header) else { throw .damaged("its header") }
        return ForgetLogHead(sequence: 0, check: Array(header.suffix(16)))
    }

    /// Records for `contents`, and the head after them.
    func encode(
        _ contents: [ForgetLogRecord.Content], after head: ForgetLogHead
    ) -> (bytes: [UInt8], head: ForgetLogHead) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(contents.count * Self.recordCount)
        var head = head
        for (index, content) in contents.enumerated() {
            let (kind, number, value) = Self.fields(of: content)
            var body = bigEndian(head.sequence + 1)
            body += [kind, index == contents.count - 1 ? 1 : 0]
            body += bigEndian(UInt64(number)).suffix(6)
            body += value
            body += [UInt8](repeating: 0, count: Self.bodyCount - body.count)
            head = ForgetLogHead(
                sequence: head.sequence + 1, check: check(of: body, after: head.check))
            bytes += body
            bytes += head.check
        }
        return (bytes, head)
    }

    private static func fields(
        of content: ForgetLogRecord.Content
    ) -> (kind: UInt8, number: Int64, value: [UInt8]) {
        switch content {
        case .punctured(let path): (1, 0, bigEndian(path.bits) + [UInt8(path.depth)])
        case .tombstone(let hash): (2, 0, Array(hash.prefix(32)))
        case .lifted(let hash, let time): (3, Int64(time), Array(hash.prefix(32)))
        case .buriedAgain(let hash, let lifts): (4, Int64(lifts), Array(hash.prefix(32)))
        case .partlyForgotten(let hash, let channel):
            (5, channel.rawValue, Array(hash.prefix(32)))
        }
    }

    /// The record that follows `head`; nil where the bytes are no such record.
    func decode(
        _ bytes: UnsafeRawBufferPointer, after head: ForgetLogHead
    ) -> (record: ForgetLogRecord, head: ForgetLogHead)? {
        let sequence = Self.sequence(bytes)
        guard sequence == head.sequence + 1,
            hasCheck(bytes, after: head.check), let content = Self.content(bytes)
        else { return nil }
        return (
            ForgetLogRecord(sequence: sequence, content: content),
            ForgetLogHead(sequence: sequence, check: Self.check(bytes))
        )
    }

    /// Whether the record is whole, given the check before it.
    func hasCheck(_ bytes: UnsafeRawBufferPointer, after previous: [UInt8]) -> Bool {
        constantTimeEqual(Self.check(bytes), computedCheck(bytes, after: previous))
    }

    func computedCheck(_ bytes: UnsafeRawBufferPointer, after previous: [UInt8]) -> [UInt8] {
        check(of: bytes.prefix(Self.bodyCount), after: previous)
    }

    /// The check that stands in the record.
    static func check(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        Array(bytes[bodyCount..<recordCount])
    }

    static func sequence(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self))
    }

    /// Whether a record is the last of those that were written together.
    static func endsBatch(_ bytes: UnsafeRawBufferPointer) -> Bool { bytes[9] == 1 }

    private static func content(_ bytes: UnsafeRawBufferPointer) -> ForgetLogRecord.Content? {
        let number = bytes[10..<16].reduce(Int64(0)) { $0 << 8 | Int64($1) }
        var hash: [UInt8] { Array(bytes[16..<48]) }
        let lifts = Int32(exactly: number).flatMap { $0 > 0 ? $0 : nil }
        switch bytes[8] {
        case 1:
            let bits = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
            return TreePath(checking: bits, depth: Int(bytes[24])).map { .punctured($0) }
        case 2: return .tombstone(hash)
        case 3: return lifts.map { .lifted(hash, time: $0) }
        case 4: return lifts.map { .buriedAgain(hash, lifts: $0) }
        case 5: return ChannelNumber(rawValue: number).map { .partlyForgotten(hash, of: $0) }
        default: return nil
        }
    }

    private func check(of body: some Collection<UInt8>, after previous: [UInt8]) -> [UInt8] {
        KeyedHash.blake2b(previous + body, key: key, count: .sixteen)
    }
}
