import Tangle
import Ternary

/// What became of a batch of lines.
struct CheckedBatch: Sendable {
    let batch: LineBatch
    var transactions = 0
    /// With the lines' numbers, from 1.
    var rejected: [(line: Int64, cause: DumpRejection)] = []
    /// Of transactions that can be of messages. Where they are spooled, places are offsets in `spool`.
    var entries: [DumpEntry] = []
    var spool: [UInt8] = []
    var indexed = 0

    /// Reads, hashes and compares all lines.
    ///
    /// - Parameters:
    ///   - input: the number of the plain file that they stand in; nil has candidates spooled.
    ///   - milestone: of lines that name none.
    init(_ batch: LineBatch, input: Int?, milestone: Int32?) {
        self.batch = batch
        if batch.tooLong { rejected.append((batch.linesBefore + 1, .tooLong)) }
        guard !batch.lines.isEmpty else { return }
        var rows = DumpRows(capacity: batch.lines.count)
        var places: [Int] = []
        places.reserveCapacity(batch.lines.count)
        batch.bytes.withUnsafeBytes { bytes in
            for (index, range) in batch.lines.enumerated() {
                let line = Self.withoutLineEnd(bytes, range)
                guard !line.allSatisfy({ $0 <= UInt8(ascii: " ") }) else { continue }
                do throws(DumpRejection) {
                    let isWhole = batch.isWhole || index + 1 < batch.lines.count
                    try rows.add(line, milestone: milestone, isWhole: isWhole)
                    places.append(index)
                } catch {
                    rejected.append((batch.linesBefore + Int64(index) + 1, error))
                }
            }
        }
        take(rows, places, input: input)
        rejected.sort { $0.line < $1.line }
    }

    private static func withoutLineEnd(
        _ bytes: UnsafeRawBufferPointer, _ range: Range<Int>
    ) -> UnsafeRawBufferPointer {
        var end = range.upperBound
        if end > range.lowerBound, bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
        return UnsafeRawBufferPointer(rebasing: bytes[range.lowerBound..<end])
    }

    private mutating func take(_ rows: DumpRows, _ places: [Int], input: Int?) {
        let hashes = TransactionHashing.hashes(ofRows: rows.trytes)
        hashes.withUnsafeBufferPointer { hashes in
            rows.claims.withUnsafeBufferPointer { claims in
                rows.trytes.withUnsafeBufferPointer { trytes in
                    for (row, index) in places.enumerated() {
                        let hashRange = row * Hash.tryteCount..<(row + 1) * Hash.tryteCount
                        let claim = UnsafeBufferPointer(rebasing: claims[hashRange])
                        guard claim.elementsEqual(hashes[hashRange]) else {
                            let line = batch.linesBefore + Int64(index) + 1
                            rejected.append((line, .wrongHash))
                            continue
                        }
                        transactions += 1
                        let size = Transaction.tryteCount
                        add(
                            claim,
                            UnsafeBufferPointer(rebasing: trytes[row * size..<(row + 1) * size]),
                            rows.confirmations[row], line: index, input: input)
                    }
                }
            }
        }
    }

    private mutating func add(
        _ claim: UnsafeBufferPointer<UInt8>, _ transaction: UnsafeBufferPointer<UInt8>,
        _ confirmation: DumpConfirmation, line: Int, input: Int?
    ) {
        let raw = UnsafeRawBufferPointer(transaction)
        guard DumpCandidate.isOne(raw) else { return }
        indexed += 1
        let place: DumpPlace
        if let input {
            let offset = batch.start + Int64(batch.lines[line].lowerBound)
            place = DumpPlace(input: input, offset: offset)
        } else {
            place = DumpPlace(input: DumpPlace.spool, offset: Int64(spool.count))
            DumpRecord.append(
                claim: claim, transaction: transaction, confirmation, to: &spool)
        }
        let address = UnsafeRawBufferPointer(
            rebasing: raw[TransactionLayout.Field.address.range])
        entries.append(DumpEntry(key: DumpKey.address(address), place: place))
        entries.append(
            DumpEntry(key: DumpKey.hash(UnsafeRawBufferPointer(claim)), place: place))
    }

    /// The end of the batch, by which its place in the dump is known again.
    var anchor: DumpState.Anchor? {
        guard !batch.bytes.isEmpty else { return nil }
        let tail = batch.bytes.suffix(Self.anchorBytes)
        return DumpState.Anchor(
            offset: batch.start + Int64(batch.bytes.count - tail.count), count: tail.count,
            fold: tail.withUnsafeBytes { DumpKey.fold($0, Self.anchorKind) })
    }

    /// More than a line.
    private static let anchorBytes = 4096
    private static let anchorKind: UInt64 = 3

    static func matches(_ bytes: [UInt8], _ anchor: DumpState.Anchor) -> Bool {
        bytes.withUnsafeBytes { DumpKey.fold($0, anchorKind) } == anchor.fold
    }
}
