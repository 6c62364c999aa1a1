import Ternary

/// How many thirds of a message hash are signed (mam-v0, *The signature*).
package enum SecurityLevel {
    /// The levels there are.
    package static let range = 1...3

    /// Trits of a signature of one level: 27 fragments.
    static let signatureTritCount = fragmentCount * Hash.tritCount
    /// Fragments of a signature of one level.
    static let fragmentCount = 27

    /// The same of a block.
    static func level(of messageHash: TritBlock) -> Int? {
        let (first, second, third) = messageHash.sumsOfThirds
        if first == 0 { return 1 }
        if first + second == 0 { return 2 }
        return first + second + third == 0 ? 3 : nil
    }

    /// The number of leading thirds after which the trits of `messageHash` first sum to 0;
    /// nil where they do after none.
    static func level(of messageHash: [Trit]) -> Int? {
        let third = Hash.tritCount / 3
        var sum = 0
        for level in range {
            sum += messageHash.dropFirst((level - 1) * third).prefix(third)
                .reduce(0) { $0 + Int($1) }
            if sum == 0 { return level }
        }
        return nil
    }
}
