/// A set of moments in whole seconds, a bit each: what has been seen already, and in the end all
/// of it in order. Where nothing was seen it takes nothing.
struct SecondSet {
    /// A quarter of an hour.
    private static let blockSeconds: Int64 = 900
    private static let wordsPerBlock = 15

    private var blocks: [Int64: Int] = [:]
    private var words: [UInt64] = []
    /// The block that was used last, and where its words begin.
    private var last: (block: Int64, start: Int)?

    /// - Returns: False if it was there.
    mutating func insert(_ seconds: Int64) -> Bool {
        let block = CivilCalendar.floorDivide(seconds, Self.blockSeconds)
        let start = start(of: block)
        let place = Int(seconds - block * Self.blockSeconds)
        let bit: UInt64 = 1 << UInt64(place % 64)
        guard words[start + place / 64] & bit == 0 else { return false }
        words[start + place / 64] |= bit
        return true
    }

    private mutating func start(of block: Int64) -> Int {
        if let last, last.block == block { return last.start }
        let start: Int
        if let known = blocks[block] {
            start = known
        } else {
            start = words.count
            words.append(contentsOf: repeatElement(0, count: Self.wordsPerBlock))
            blocks[block] = start
        }
        last = (block, start)
        return start
    }

    /// Calls with every moment, the earliest first.
    func forEach(_ body: (Int64) -> Void) {
        for (block, start) in blocks.sorted(by: { $0.key < $1.key }) {
            for word in 0..<Self.wordsPerBlock {
                var bits = words[start + word]
                while bits != 0 {
                    body(
                        block * Self.blockSeconds + Int64(word * 64)
                            + Int64(bits.trailingZeroBitCount))
                    bits &= bits - 1
                }
            }
        }
    }
}
