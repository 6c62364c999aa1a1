/// The hash that keys and ciphertexts are made with, from whoever has one.
package struct Hashing: Sendable {
    /// SHA-256 (FIPS 180-4) of the first memory into the 32 bytes of the second.
    package typealias SHA256 = @Sendable (UnsafeRawBufferPointer, UnsafeMutableRawPointer) -> Void

    static let digestCount = 32
    private static let blockCount = 64

    let sha256: SHA256

    package init(sha256: @escaping SHA256) { self.sha256 = sha256 }

    func digest(_ input: WipedMemory<UInt8>, into output: WipedMemory<UInt8>) {
        sha256(input.bytes, output.start)
    }

    /// HMAC (RFC 2104) under a key of 32 bytes.
    func authenticate(_ message: [WipedMemory<UInt8>], key: WipedMemory<UInt8>)
        -> WipedMemory<UInt8>
    {
        let inner = WipedMemory<UInt8>(Self.blockCount + message.reduce(0) { $0 + $1.count })
        let outer = WipedMemory<UInt8>(Self.blockCount + Self.digestCount)
        for index in 0..<Self.blockCount {
            let byte = index < key.count ? key[index] : 0
            inner[index] = byte ^ 0x36
            outer[index] = byte ^ 0x5c
        }
        var place = Self.blockCount
        for part in message { place = inner.write(part.elements, at: place) }
        let digest = WipedMemory<UInt8>(Self.digestCount)
        self.digest(inner, into: digest)
        _ = outer.write(digest.elements, at: Self.blockCount)
        self.digest(outer, into: digest)
        return digest
    }
}

/// HMAC-DRBG (SP 800-90A) with SHA-256, without nonce, personalisation or further input.
struct KeyedGenerator {
    private let hashing: Hashing
    private var key = WipedMemory<UInt8>(Hashing.digestCount)
    private var value = WipedMemory<UInt8>(Hashing.digestCount)

    init(entropy: WipedMemory<UInt8>, _ hashing: Hashing) {
        self.hashing = hashing
        for index in 0..<value.count { value[index] = 1 }
        update(entropy)
    }

    private mutating func update(_ input: WipedMemory<UInt8>?) {
        for round: UInt8 in 0..<(input == nil ? 1 : 2) {
            let separator = WipedMemory<UInt8>(copying: [round])
            key = hashing.authenticate([value, separator] + (input.map { [$0] } ?? []), key: key)
            value = hashing.authenticate([value], key: key)
        }
    }

    mutating func generate(_ count: Int) -> WipedMemory<UInt8> {
        let output = WipedMemory<UInt8>(count)
        var place = 0
        while place < count {
            value = hashing.authenticate([value], key: key)
            place = output.write(value.elements.prefix(count - place), at: place)
        }
        update(nil)
        return output
    }
}

/// What both generators of the scheme read: the hashes of the seed's hash and 0, 1, 2 …
final class HashStream {
    private let hashing: Hashing
    /// The seed's hash and the number of the block.
    private let input = WipedMemory<UInt8>(Hashing.digestCount + 4)
    private let block = WipedMemory<UInt8>(Hashing.digestCount)
    private var number: UInt32 = 0
    private var place = Hashing.digestCount

    init(seed: WipedMemory<UInt8>, _ hashing: Hashing) {
        self.hashing = hashing
        hashing.sha256(seed.bytes, input.start)
    }

    func next() -> UInt8 {
        if place == block.count {
            for byte in 0..<4 {
                input[Hashing.digestCount + byte] = UInt8(
                    truncatingIfNeeded: number >> UInt32(24 - 8 * byte))
            }
            number &+= 1
            hashing.digest(input, into: block)
            place = 0
        }
        defer { place += 1 }
        return block[place]
    }
}
