extension Kerl {
    /// Blocks of 81 characters each, from the hash of `characters` on: every further block is the
    /// hash of the complement of the one before.
    ///
    /// - Parameter characters: whole blocks of 81 characters of the alphabet.
    package static func squeeze(_ characters: [UInt8], blocks: Int) -> [UInt8] {
        var sponge = Keccak384()
        characters.withUnsafeBufferPointer { characters in
            for start in stride(from: 0, to: characters.count, by: blockTryteCount) {
                let end = min(start + blockTryteCount, characters.count)
                sponge.absorb(
                    KerlInteger(block: UnsafeBufferPointer(rebasing: characters[start..<end])))
            }
        }
        var squeezed: [UInt8] = []
        squeezed.reserveCapacity(blocks * blockTryteCount)
        for _ in 0..<blocks {
            var block = sponge.digest()
            squeezed += block.characters
            for index in 0..<6 { block.limbs[index] = ~block.limbs[index] }
            sponge = Keccak384()
            sponge.absorb(block)
        }
        return squeezed
    }
}
