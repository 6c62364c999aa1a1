import Ternary

/// A payload, unmasked; nothing of it is authenticated yet.
struct OpenedPayload {
    let layout: PayloadLayout
    let nextRoot: Root
    /// Filled up with zero trits to a whole tryte.
    let content: Trytes
    let messageHash: TritBlock
    let securityLevel: Int
    /// Nil where only the head was asked for.
    let evidence: Evidence?

    /// Signature and siblings as the payload has them, not checked.
    final class Evidence {
        /// `securityLevel` × 27 fragments.
        let fragments: UnsafeMutableBufferPointer<TritBlock>
        /// What follows the signature, as characters: the number of siblings, and these.
        private(set) var trytes = UnsafeMutableBufferPointer<UInt8>(start: nil, count: 0)
        /// Trits of `trytes` before the first sibling.
        private(set) var firstSibling = 0
        private(set) var siblingCount = 0

        init(securityLevel: Int) {
            // A block is as long as a line of the cache, and lies in one.
            let memory = UnsafeMutableRawBufferPointer.allocate(
                byteCount: securityLevel * SecurityLevel.fragmentCount
                    * MemoryLayout<TritBlock>.stride,
                alignment: MemoryLayout<TritBlock>.stride)
            fragments = memory.bindMemory(to: TritBlock.self)
            fragments.initialize(repeating: TritBlock())
        }

        deinit {
            UnsafeMutableRawBufferPointer(fragments).deallocate()
            trytes.deallocate()
        }

        /// Trits of `trytes` up to the last sibling.
        var siblingsEnd: Int { firstSibling + siblingCount * Hash.tritCount }

        /// Where the trits after the signature go, those after `written` of them that are there.
        func room(tritCount: Int, written: Int) -> UnsafeMutablePointer<UInt8>? {
            let larger = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: (tritCount + 2) / 3)
            larger.initialize(repeating: TryteAlphabet.nine)
            for index in 0..<min(written / 3, trytes.count) { larger[index] = trytes[index] }
            trytes.deallocate()
            trytes = larger
            return larger.baseAddress.map { $0 + written / 3 }
        }

        /// Reads the number of siblings from the first block after the signature.
        ///
        /// - Parameters:
        ///   - tritCount: Of that block.
        ///   - masked: How many trits follow the signature in all.
        /// - Throws: `ReadError` where the number is none, siblings are cut, or the index is
        ///   beyond the tree.
        func readSiblingCount(
            tritCount: Int, masked: Int, index: UInt64
        ) throws(ReadError) {
            let first = trytes.prefix(PascalInteger.maximumTritCount / 3)
            let plain = Trytes(validated: Array(first)).trits.prefix(tritCount)
            let count: (value: UInt64, tritCount: Int)
            do { count = try PascalInteger.read(plain) } catch {
                throw error == .truncated
                    ? .truncated(.siblingCount) : .malformed(.siblingCount, error)
            }
            guard count.value <= UInt64((masked - count.tritCount) / Hash.tritCount) else {
                throw .truncated(.siblings)
            }
            firstSibling = count.tritCount
            siblingCount = Int(count.value)
            guard index >> UInt64(siblingCount) == 0 else {
                throw .indexBeyondTree(siblingCount: siblingCount)
            }
        }
    }
}
