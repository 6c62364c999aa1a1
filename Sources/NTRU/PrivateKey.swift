import Ternary

/// What opens side keys that owners encrypted for this provider. Never printed; its polynomials
/// are wiped when released.
///
/// Decrypting takes the same time whatever is wrong with a ciphertext, but for the length of what
/// it holds and the number of candidates that the scheme's generators refuse. Making a key and
/// reading a packed one do not depend on the secret either, with the same exception. All this as
/// far as the compiler keeps arithmetic arithmetic, which Swift does not promise.
///
/// `@unchecked Sendable` is safe: everything is written in `init` and afterwards only read.
package final class PrivateKey: @unchecked Sendable {
    /// Bytes of a packed one.
    package static let packedCount =
        ParameterSet.privateHeader.count + ParameterSet.packedCount + ParameterSet.packedIndexCount

    /// Bytes that a seed has at least, and of which keys are made.
    package static let seedCount = ParameterSet.seedCount

    package let publicKey: PublicKey
    private let indexes = WipedMemory<UInt16>(ParameterSet.indexCount)
    /// F = f1·f2 + f3; the secret is f = 1 + 3F.
    private let factor: Polynomial

    /// The key pair that the devices' library makes from the same seed.
    ///
    /// - Parameter seed: ASCII, of which the first 64 characters count.
    /// - Throws: `NTRUError.tooShort`, `.notInvertible`.
    package init(seed: UnsafeRawBufferPointer, _ hashing: Hashing) throws(NTRUError) {
        guard seed.count >= Self.seedCount else {
            throw .tooShort(.seed, needed: Self.seedCount, actual: seed.count)
        }
        var generator = KeyedGenerator(
            entropy: WipedMemory(copying: seed.prefix(Self.seedCount)), hashing)
        let generatedCount = 64
        factor = IndexGenerator(seed: generator.generate(generatedCount), hashing)
            .productForm(note: indexes)
        let g = IndexGenerator(seed: generator.generate(generatedCount), hashing)
            .polynomial(plus: ParameterSet.gCounts.plus, minus: ParameterSet.gCounts.minus)
        let f = Polynomial()
        for index in 0..<ParameterSet.degree { f[index] = 3 &* factor[index] }
        f[0] &+= 1
        let h = g * (try f.inverse())
        for index in 0..<ParameterSet.degree { h[index] = 3 &* h[index] & ParameterSet.mask }
        publicKey = PublicKey(h: h)
    }

    /// - Throws: `NTRUError.wrongLength`, `.wrongHeader`, `.wrongIndex`.
    package init(packed bytes: UnsafeRawBufferPointer) throws(NTRUError) {
        guard bytes.count == Self.packedCount else {
            throw .wrongLength(.privateKey, expected: Self.packedCount, actual: bytes.count)
        }
        let header = ParameterSet.privateHeader
        guard bytes.starts(with: header) else { throw .wrongHeader(.privateKey) }
        publicKey = PublicKey(h: Polynomial(unpacking: bytes.dropFirst(header.count)))
        var iterator = bytes.dropFirst(header.count + ParameterSet.packedCount).makeIterator()
        var reader = BitReader()
        for place in 0..<indexes.count {
            indexes[place] = reader.read(bits: ParameterSet.indexBits) { iterator.next() ?? 0 }
        }
        guard let factor = Self.productForm(indexes) else { throw .wrongIndex }
        self.factor = factor
    }

    /// Nil where an index is beyond the degree or twice in one factor.
    private static func productForm(_ indexes: WipedMemory<UInt16>) -> Polynomial? {
        var isWhole = true
        var place = 0
        let factors = ParameterSet.factorCounts.map { count in
            let polynomial = Polynomial()
            for number in 0..<(2 * count) {
                let index = indexes[place]
                isWhole =
                    polynomial.set(number < count ? 1 : .max, at: index)
                    && index < ParameterSet.degree && isWhole
                place += 1
            }
            return polynomial
        }
        return isWhole ? factors[0] * factors[1] + factors[2] : nil
    }

    /// Writes the 1,120 bytes to memory that has room for them, which the caller wipes.
    package func copyPacked(to destination: UnsafeMutableRawBufferPointer) {
        guard destination.count >= Self.packedCount, let start = destination.baseAddress else {
            return
        }
        destination.copyBytes(from: ParameterSet.privateHeader)
        let bytes = start.assumingMemoryBound(to: UInt8.self)
        publicKey.h.pack(into: bytes + ParameterSet.privateHeader.count)
        var writer = BitWriter(
            bytes + ParameterSet.privateHeader.count + ParameterSet.packedCount)
        for place in 0..<indexes.count {
            writer.write(indexes[place], bits: ParameterSet.indexBits)
        }
        writer.finish()
    }

    /// What a ciphertext held.
    package struct Opened: Sendable {
        /// 0 to 106 bytes, which nobody wipes.
        package let plaintext: [UInt8]
        /// The 32 random bytes: with them the plaintext is encrypted to the same ciphertext.
        package let blinding: [UInt8]
    }

    /// - Throws: `NTRUError.notBase64`, `.wrongLength`, `.undecryptable`.
    package func decrypt(_ trytes: Trytes, _ hashing: Hashing) throws(NTRUError) -> Opened {
        try decrypt(
            TravellingBytes.bytes(of: trytes, count: PublicKey.ciphertextCount, .ciphertext),
            hashing)
    }

    /// - Throws: `NTRUError.wrongLength`, `.undecryptable`: one error for whatever is wrong.
    package func decrypt(_ ciphertext: [UInt8], _ hashing: Hashing) throws(NTRUError) -> Opened {
        guard ciphertext.count == PublicKey.ciphertextCount else {
            throw .wrongLength(
                .ciphertext, expected: PublicKey.ciphertextCount, actual: ciphertext.count)
        }
        let e = Polynomial(unpacking: ciphertext)
        let digits = maskedDigits(of: e)
        var fault: UInt16 = MessageRepresentative.isBalanced(digits) ? 0 : 1
        for index in 0..<digits.count {
            e[index] = (e[index] &- coefficient(of: digits[index])) & ParameterSet.mask
        }
        let mask = MessageRepresentative.mask(of: e, hashing)
        for index in 0..<digits.count { digits[index] = (digits[index] + 3 - mask[index]) % 3 }
        let (bytes, damage) = MessageRepresentative(digits: digits).read()
        fault |= UInt16(damage)
        // A length that cannot be is refused below; until then all goes on with one that can.
        let length = min(Int(bytes[ParameterSet.blindingCount]), ParameterSet.plaintextLimit)
        let blinding = WipedMemory<UInt8>(
            copying: bytes.elements.prefix(ParameterSet.blindingCount))
        let plaintext = bytes.elements.dropFirst(ParameterSet.blindingCount + 1).prefix(length)
        let again = publicKey.blind(plaintext, blinding, hashing)
        for index in 0..<ParameterSet.degree {
            fault |= (again[index] ^ e[index]) & ParameterSet.mask
        }
        guard fault == 0 else { throw .undecryptable }
        return withExtendedLifetime(bytes) {
            Opened(plaintext: Array(plaintext), blinding: Array(blinding.elements))
        }
    }

    /// a = f·e between -1024 and 1023, modulo 3.
    private func maskedDigits(of e: Polynomial) -> WipedMemory<UInt8> {
        let product = factor * e
        let digits = WipedMemory<UInt8>(ParameterSet.degree)
        for index in 0..<digits.count {
            let sum = e[index] &+ 3 &* product[index]
            let centred = Int16(bitPattern: sum << 5) >> 5
            // 1026 is the least multiple of 3 that leaves nothing below 0.
            digits[index] = UInt8(truncatingIfNeeded: UInt16(bitPattern: centred &+ 1026) % 3)
        }
        return digits
    }
}

extension PrivateKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "<private key>" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: [], displayStyle: .class) }
}

extension PrivateKey.Opened: CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    package var description: String { "<opened ciphertext>" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: [], displayStyle: .struct) }
}
