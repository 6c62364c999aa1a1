/// Keccak-384 as it was submitted, with the padding 1, 0…0, 1 of its own and not SHA-3's
/// (tangle, *Bundle*).
struct Keccak384 {
    /// Bytes absorbed before each permutation: 1600 bits less twice 384.
    private static let rateCount = 104
    private static let digestCount = 48

    /// 64-bit words of the rate, and of an integer or digest.
    private static let rateWords = rateCount / 8
    private static let integerWords = digestCount / 8

    /// Five by five lanes of 64 bits; lane x + 5 y.
    private var lanes = InlineArray<25, UInt64>(repeating: 0)
    /// In words: integers are whole ones, and so is the rate.
    private var filled = 0

    /// Takes in an integer's 48 bytes, big-endian.
    mutating func absorb(_ integer: KerlInteger) {
        for index in (0..<Self.integerWords).reversed() {
            lanes[filled] ^= integer.limbs[index].byteSwapped
            filled += 1
            if filled == Self.rateWords {
                permute()
                filled = 0
            }
        }
    }

    /// The 48 bytes over everything absorbed, as a big-endian integer; the sponge itself stays as
    /// it is.
    func digest() -> KerlInteger {
        var last = self
        last.lanes[filled] ^= 0x01
        last.lanes[Self.rateWords - 1] ^= 0x80 << 56
        last.permute()
        var limbs = InlineArray<6, UInt64>(repeating: 0)
        for index in 0..<Self.integerWords {
            limbs[Self.integerWords - 1 - index] = last.lanes[index].byteSwapped
        }
        return KerlInteger(limbs: limbs)
    }

    private mutating func permute() {
        Self.moves.withUnsafeBufferPointer { moves in
            for constant in Self.roundConstants {
                mixColumns()
                rotateAndMove(moves)
                combineRows()
                lanes[0] ^= constant
            }
        }
    }

    /// Theta: each lane takes in the parity of the two columns beside it.
    @inline(__always)
    private mutating func mixColumns() {
        var parity: (UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0)
        for row in stride(from: 0, to: 25, by: 5) {
            parity.0 ^= lanes[row]
            parity.1 ^= lanes[row + 1]
            parity.2 ^= lanes[row + 2]
            parity.3 ^= lanes[row + 3]
            parity.4 ^= lanes[row + 4]
        }
        let change = (
            parity.4 ^ Self.rotate(parity.1, 1), parity.0 ^ Self.rotate(parity.2, 1),
            parity.1 ^ Self.rotate(parity.3, 1), parity.2 ^ Self.rotate(parity.4, 1),
            parity.3 ^ Self.rotate(parity.0, 1)
        )
        for row in stride(from: 0, to: 25, by: 5) {
            lanes[row] ^= change.0
            lanes[row + 1] ^= change.1
            lanes[row + 2] ^= change.2
            lanes[row + 3] ^= change.3
            lanes[row + 4] ^= change.4
        }
    }

    /// Rho and pi: every lane is rotated and moved to its next place, along their one cycle.
    @inline(__always)
    private mutating func rotateAndMove(_ moves: UnsafeBufferPointer<(Int, UInt64)>) {
        var moving = lanes[1]
        for (place, distance) in moves {
            let next = lanes[place]
            lanes[place] = Self.rotate(moving, distance)
            moving = next
        }
    }

    /// Chi: the only non-linear step, along the rows.
    @inline(__always)
    private mutating func combineRows() {
        for row in stride(from: 0, to: 25, by: 5) {
            let (a, b, c, d, e) = (
                lanes[row], lanes[row + 1], lanes[row + 2], lanes[row + 3], lanes[row + 4]
            )
            lanes[row] = a ^ (~b & c)
            lanes[row + 1] = b ^ (~c & d)
            lanes[row + 2] = c ^ (~d & e)
            lanes[row + 3] = d ^ (~e & a)
            lanes[row + 4] = e ^ (~a & b)
        }
    }

    /// - Parameter distance: 1...63, so that the processor's own shifts will do, without a look at
    ///   how far.
    @inline(__always)
    private static func rotate(_ lane: UInt64, _ distance: UInt64) -> UInt64 {
        lane &<< distance | lane &>> (64 &- distance)
    }

    /// Where the cycle that starts at lane 1 goes, and how far the lane is rotated on the way:
    /// (x, y) goes to (y, 2 x + 3 y), by the triangular numbers modulo 64.
    private static let moves: [(Int, UInt64)] = {
        var (x, y) = (1, 0)
        return (1...24).map { step in
            (x, y) = (y, (2 * x + 3 * y) % 5)
            return (x + 5 * y, UInt64(step * (step + 1) / 2 % 64))
        }
    }()

    /// From the shift register x^8 + x^6 + x^5 + x^4 + 1: seven bits a round, bit j of them at
    /// place 2^j - 1.
    private static let roundConstants: [UInt64] = {
        var register: UInt8 = 1
        return (0..<24).map { _ in
            var constant: UInt64 = 0
            for bit in 0..<7 {
                if register & 1 == 1 { constant |= 1 << UInt64((1 << bit) - 1) }
                register = register << 1 ^ (register >> 7 == 1 ? 0x71 : 0)
            }
            return constant
        }
    }()
}
