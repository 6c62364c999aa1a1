/// IGF: draws the indexes of polynomials with few coefficients that are not 0.
///
/// How many candidates are refused (1 in 400, and those drawn before) shows in the time it takes;
/// which indexes are drawn does not.
final class IndexGenerator {
    private static let candidateBits = 13
    /// The largest multiple of the degree below 2^13.
    private static let candidateLimit = UInt16(8192 / ParameterSet.degree * ParameterSet.degree)

    private let stream: HashStream
    private var reader = BitReader()

    init(seed: WipedMemory<UInt8>, _ hashing: Hashing) {
        stream = HashStream(seed: seed, hashing)
    }

    private func next() -> UInt16 {
        while true {
            let candidate = reader.read(bits: Self.candidateBits) { stream.next() }
            if candidate < Self.candidateLimit {
                return candidate % UInt16(ParameterSet.degree)
            }
        }
    }

    /// A polynomial with so many 1, then so many -1.
    ///
    /// - Parameter note: where the indexes go in the order drawn.
    func polynomial(plus: Int, minus: Int, note: UnsafeMutablePointer<UInt16>? = nil)
        -> Polynomial
    {
        let polynomial = Polynomial()
        for number in 0..<(plus + minus) {
            let value: UInt16 = number < plus ? 1 : .max
            var index = next()
            while !polynomial.set(value, at: index) { index = next() }
            if let note { note[number] = index }
        }
        return polynomial
    }

    /// f1·f2 + f3, with as many indexes as a private key has.
    ///
    /// - Parameter note: where the indexes of all factors go in the order drawn.
    func productForm(note: WipedMemory<UInt16>? = nil) -> Polynomial {
        var place = 0
        let factors = ParameterSet.factorCounts.map { count in
            defer { place += 2 * count }
            return polynomial(plus: count, minus: count, note: note.map { $0.start + place })
        }
        return factors[0] * factors[1] + factors[2]
    }
}
