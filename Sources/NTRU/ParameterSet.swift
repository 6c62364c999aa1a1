/// EES743EP1: what the devices' library encrypts side keys with (ntru, its whole text).
///
/// Polynomials lie in Z_q[x]/(x^N - 1), N = 743, q = 2048; p = 3.
enum ParameterSet {
    /// N.
    static let degree = 743
    /// q - 1: what is left of a number modulo q.
    static let mask: UInt16 = 2047
    /// Bits of a coefficient.
    static let coefficientBits = 11
    /// Bits of an index in a private key.
    static let indexBits = 10
    /// Its object identifier, which blobs and the hash of a message begin with.
    static let identifier: [UInt8] = [0x00, 0x06, 0x10]
    /// Indexes of +1 and of -1 in the three factors f1, f2 and f3 of f1·f2 + f3; so many of each.
    static let factorCounts = [11, 11, 15]
    /// Indexes of all three factors, both signs.
    static let indexCount = 2 * factorCounts.reduce(0, +)
    /// Indexes of +1 and of -1 in g.
    static let gCounts = (plus: 248, minus: 247)
    /// How often each of -1, 0, 1 occurs at least in what a message is masked to.
    static let fewest = 204

    static let packedCount = (degree * coefficientBits + 7) / 8
    static let publicHeader: [UInt8] = [1, 3] + identifier
    static let privateHeader: [UInt8] = [2, 3] + identifier
    static let packedIndexCount = (indexCount * indexBits + 7) / 8
    /// Random bytes in a ciphertext.
    static let blindingCount = 32
    /// Bytes of a plaintext at most.
    static let plaintextLimit = 106
    /// Blinding, length, plaintext and zeros.
    static let representativeCount = blindingCount + 1 + plaintextLimit
    /// Of a public key, those that go into the hash of a message.
    static let hashedKeyCount = 32
    /// Of a seed, those that keys are made from.
    static let seedCount = 64
}
