import Ternary

/// The memory of one sponge that opens payloads: keys, payload and what comes out, in one piece
/// that is used again and again. Keys are wiped when it is released.
struct LaneMemory {
    /// Bytes that may be read beyond a block's own.
    private static let slack = 128

    private var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private var format = CurlPSponges.Format.trytes
    private var messageTryteCount = 0
    private var payloadCount = 0
    /// Trits of the payload that are held.
    private(set) var tritCount = 0

    // Side key and root; next root and message; payload.
    private static let plainStart = 2 * Hash.tryteCount
    private var payloadStart: Int { Self.plainStart + Hash.tryteCount + messageTryteCount }

    /// Bytes that a payload needs.
    static func size(messageTritCount: Int, payload tritCount: Int) -> Int {
        plainStart + Hash.tryteCount + (messageTritCount + 2) / 3 + (tritCount + 2) / 3 + slack
    }

    var size: Int { memory.count }

    func release() {
        // Keys, and the next root; the message itself was handed out.
        let secrets = memory[..<min(Self.plainStart + Hash.tryteCount, memory.count)]
        wipe(UnsafeMutableRawBufferPointer(rebasing: secrets))
        memory.deallocate()
    }

    /// Makes room; what was held is gone.
    private mutating func grow(to size: Int) {
        guard memory.count < size else { return }
        release()
        memory = .allocate(byteCount: size, alignment: 64)
    }

    /// Takes in the first `tritCount` trits of the payload, and the keys.
    mutating func hold(_ request: ReadRequest, _ layout: PayloadLayout, tritCount: Int) {
        self.tritCount = tritCount
        messageTryteCount = (layout.messageTritCount + 2) / 3
        grow(to: Self.size(messageTritCount: layout.messageTritCount, payload: tritCount))
        guard let start = memory.baseAddress else { return }
        if let sideKey = request.sideKey {
            sideKey.copyTrytes(to: start)
        } else {
            memory[..<Hash.tryteCount].copyBytes(from: Hash.null.trytes.ascii)
        }
        request.root.copyTrytes(to: start + Hash.tryteCount)
        let payloadStart = payloadStart
        (format, payloadCount) = request.payload.withBytes { bytes, format in
            let perByte = format == .trytes ? 3 : 5
            let count = min(bytes.count, (tritCount + perByte - 1) / perByte)
            if let from = bytes.baseAddress {
                (start + payloadStart).copyMemory(from: from, byteCount: count)
            }
            return (format, count)
        }
        (start + payloadStart + payloadCount).initializeMemory(
            as: UInt8.self, repeating: 0, count: Self.slack)
    }

    /// Two times 81 trytes.
    var keys: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: memory[..<Self.plainStart])
    }

    /// A part of the payload to be taken in.
    func payload(from: Int, count: Int) -> CurlPSponges.Run {
        let bytes = memory[payloadStart..<(payloadStart + payloadCount + Self.slack)]
        return CurlPSponges.Run(
            bytes: UnsafeRawBufferPointer(rebasing: bytes), format: format, from: from,
            count: count)
    }

    /// Where next root and message go.
    var plain: UnsafeMutablePointer<UInt8>? {
        memory.baseAddress.map { ($0 + Self.plainStart).assumingMemoryBound(to: UInt8.self) }
    }

    var nextRoot: Root {
        let characters = memory[Self.plainStart..<(Self.plainStart + Hash.tryteCount)]
        return Root(validated: UnsafeRawBufferPointer(rebasing: characters))
    }

    func content(tritCount: Int) -> Trytes {
        let count = messageTryteCount
        let ascii = [UInt8](unsafeUninitializedCapacity: count) { characters, filled in
            filled = count
            guard count > 0, let from = plain, let to = characters.baseAddress else { return }
            to.update(from: from + Hash.tryteCount, count: count)
        }
        return Trytes(validated: ascii)
    }
}
