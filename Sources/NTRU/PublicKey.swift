import Ternary

/// What owners encrypt side keys with.
///
/// `@unchecked Sendable` is safe: the polynomial is written in `init` and afterwards only read.
package struct PublicKey: @unchecked Sendable {
    /// Bytes of a packed one.
    package static let packedCount = ParameterSet.publicHeader.count + ParameterSet.packedCount

    /// Bytes of a ciphertext.
    package static let ciphertextCount = ParameterSet.packedCount

    /// Bytes of a plaintext at most.
    package static let plaintextLimit = ParameterSet.plaintextLimit

    let h: Polynomial

    init(h: Polynomial) { self.h = h }

    /// - Throws: `NTRUError.wrongLength`, `.wrongHeader`.
    package init(packed bytes: [UInt8]) throws(NTRUError) {
        guard bytes.count == Self.packedCount else {
            throw .wrongLength(.publicKey, expected: Self.packedCount, actual: bytes.count)
        }
        guard bytes.starts(with: ParameterSet.publicHeader) else { throw .wrongHeader(.publicKey) }
        h = Polynomial(unpacking: bytes.dropFirst(ParameterSet.publicHeader.count))
    }

    /// - Throws: `NTRUError.notBase64`, `.wrongLength`, `.wrongHeader`.
    package init(trytes: Trytes) throws(NTRUError) {
        try self.init(
            packed: TravellingBytes.bytes(of: trytes, count: Self.packedCount, .publicKey))
    }

    package var packed: [UInt8] { ParameterSet.publicHeader + packedCoefficients }

    /// As it travels: 2,744 trytes.
    package var trytes: Trytes { TravellingBytes.trytes(packed) }

    private var packedCoefficients: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: ParameterSet.packedCount) { bytes, filled in
            guard let start = bytes.baseAddress else { return }
            h.pack(into: start)
            filled = ParameterSet.packedCount
        }
    }

    /// Attempts before a random source is held to be none: one in a thousand fails.
    private static let attemptLimit = 100

    /// Encrypts at most 106 bytes.
    ///
    /// - Parameter random: fills memory with random bytes.
    /// - Returns: 1,022 bytes.
    /// - Throws: `NTRUError.tooLong`, `.randomExhausted`.
    package func encrypt(
        _ plaintext: [UInt8], _ hashing: Hashing, random: (UnsafeMutableRawBufferPointer) -> Void
    ) throws(NTRUError) -> [UInt8] {
        guard plaintext.count <= Self.plaintextLimit else {
            throw .tooLong(.plaintext, limit: Self.plaintextLimit, actual: plaintext.count)
        }
        let blinding = WipedMemory<UInt8>(ParameterSet.blindingCount)
        for _ in 0..<Self.attemptLimit {
            random(UnsafeMutableRawBufferPointer(blinding.elements))
            let blinded = blind(plaintext, blinding, hashing)
            let digits = MessageRepresentative(plaintext, blinding: blinding).digits
            let mask = MessageRepresentative.mask(of: blinded, hashing)
            for index in 0..<digits.count {
                digits[index] = (digits[index] + mask[index]) % 3
            }
            guard MessageRepresentative.isBalanced(digits) else { continue }
            for index in 0..<digits.count { blinded[index] &+= coefficient(of: digits[index]) }
            return [UInt8](unsafeUninitializedCapacity: Self.ciphertextCount) { bytes, filled in
                guard let start = bytes.baseAddress else { return }
                blinded.pack(into: start)
                filled = Self.ciphertextCount
            }
        }
        throw .randomExhausted
    }

    /// R = r·h, with r drawn from the plaintext, its blinding and this key.
    func blind(
        _ plaintext: some Collection<UInt8>, _ blinding: WipedMemory<UInt8>, _ hashing: Hashing
    ) -> Polynomial {
        let seed = WipedMemory<UInt8>(
            ParameterSet.identifier.count + plaintext.count + blinding.count
                + ParameterSet.hashedKeyCount)
        var place = seed.write(ParameterSet.identifier, at: 0)
        place = seed.write(plaintext, at: place)
        place = seed.write(blinding.elements, at: place)
        _ = seed.write(packedCoefficients.prefix(ParameterSet.hashedKeyCount), at: place)
        return IndexGenerator(seed: seed, hashing).productForm() * h
    }
}

extension PublicKey: Hashable {
    package static func == (left: PublicKey, right: PublicKey) -> Bool {
        left.packed == right.packed
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(packed) }
}
