/// Coefficients modulo 2^16, of which q is a divisor; wiped when released.
///
/// Nothing here branches on a coefficient or has an address that depends on one.
final class Polynomial {
    typealias Lanes = SIMD32<UInt16>

    static let laneCount = 32
    /// Room for whole vectors; what lies beyond the degree is 0.
    static let paddedCount = 768

    let memory = WipedMemory<UInt16>(paddedCount)

    init() {}

    /// Of 11 bits each.
    init(unpacking bytes: some Sequence<UInt8>) {
        var reader = BitReader()
        var iterator = bytes.makeIterator()
        for index in 0..<ParameterSet.degree {
            memory[index] = reader.read(bits: ParameterSet.coefficientBits) {
                iterator.next() ?? 0
            }
        }
    }

    subscript(index: Int) -> UInt16 {
        get { memory.start[index] }
        set { memory.start[index] = newValue }
    }

    /// Writes `ParameterSet.packedCount` bytes: 11 bits each, the spare ones 0.
    func pack(into bytes: UnsafeMutablePointer<UInt8>) {
        var writer = BitWriter(bytes)
        for index in 0..<ParameterSet.degree {
            writer.write(
                memory[index] & ParameterSet.mask, bits: ParameterSet.coefficientBits)
        }
        writer.finish()
    }

    /// The product modulo x^N - 1.
    static func * (left: Polynomial, right: Polynomial) -> Polynomial {
        let product = Polynomial()
        // The left one twice on end: its rotation by i begins N - i in.
        let twice = WipedMemory<UInt16>(2 * paddedCount)
        for index in 0..<(2 * ParameterSet.degree) {
            twice[index] =
                left[
                    index < ParameterSet.degree ? index : index - ParameterSet.degree]
        }
        for start in stride(from: 0, to: paddedCount, by: 2 * laneCount) {
            var low = Lanes.zero
            var high = Lanes.zero
            var rotated = UnsafeRawPointer(twice.start + start + ParameterSet.degree)
            for index in 0..<ParameterSet.degree {
                let factor = Lanes(repeating: right[index])
                low &+= rotated.loadUnaligned(as: Lanes.self) &* factor
                high &+= (rotated + 64).loadUnaligned(as: Lanes.self) &* factor
                rotated -= 2
            }
            product.store(low, at: start)
            product.store(high, at: start + laneCount)
        }
        for index in ParameterSet.degree..<paddedCount { product[index] = 0 }
        return product
    }

    static func + (left: Polynomial, right: Polynomial) -> Polynomial {
        let sum = Polynomial()
        for index in 0..<ParameterSet.degree { sum[index] = left[index] &+ right[index] }
        return sum
    }

    private func store(_ lanes: Lanes, at index: Int) {
        UnsafeMutableRawPointer(memory.start + index).storeBytes(of: lanes, as: Lanes.self)
    }

    /// Sets the coefficient at a secret index, unless it is set: all are gone over.
    ///
    /// - Returns: whether it was 0.
    func set(_ value: UInt16, at index: UInt16) -> Bool {
        let coefficients = memory.start
        var taken: UInt16 = 0
        for place in 0..<Self.paddedCount {
            taken |=
                coefficients[place] & Self.ones(where: UInt16(truncatingIfNeeded: place), index)
        }
        let written = value & Self.ones(where: taken, 0)
        for place in 0..<Self.paddedCount {
            coefficients[place] |=
                written & Self.ones(where: UInt16(truncatingIfNeeded: place), index)
        }
        return taken == 0
    }

    /// All bits where two numbers are equal, none where they are not.
    @inline(__always)
    private static func ones(where one: UInt16, _ other: UInt16) -> UInt16 {
        let difference = one ^ other
        return ((difference | (0 &- difference)) &>> 15) &- 1
    }
}
