import Compressors
import Foundation
import Tangle
import Ternary

/// Makes a dump of the mainnet's later times: transactions that somebody is looking for, hidden at
/// random places among others, all with their right hashes. Hashed in lanes, on all cores.
///
/// Of the others four fifths are bundles of one transaction; the rest are of bundles of four, some of
/// them at addresses that are looked for, too. The same numbers give the same dump.
struct DumpGenerator: Sendable {
    /// Lines made together.
    static let linesPerPart = 2048
    /// Every so many parts have a line whose hash is wrong, beside all others.
    static let partsPerFault = 100

    /// Lines with right hashes.
    let count: Int
    /// What is to be hidden.
    let wanted: [Transaction]
    let seed: UInt64

    private var partCount: Int { (count + Self.linesPerPart - 1) / Self.linesPerPart }

    /// Lines whose hashes are wrong.
    var faults: Int { (partCount + Self.partsPerFault - 1) / Self.partsPerFault }

    /// Writes the dump; packed where the path ends with `.gz` or `.xz`.
    ///
    /// - Returns: Bytes before packing.
    func write(to path: String) async throws -> Int64 {
        guard wanted.count <= count else { throw BenchError("the dump is too small for all") }
        guard FileManager.default.createFile(atPath: path, contents: nil),
            let file = FileHandle(forWritingAtPath: path)
        else { throw BenchError("\(path) cannot be written") }
        let packer = try Packer(path)
        let hidden = hiddenByPart()
        let atOnce = ProcessInfo.processInfo.activeProcessorCount + 2
        var total: Int64 = 0
        try await withThrowingTaskGroup(of: (Int, [UInt8]).self) { group in
            var (begun, next) = (0, 0)
            var waiting: [Int: [UInt8]] = [:]
            while next < partCount {
                while begun < partCount, begun - next < atOnce {
                    let number = begun
                    let some = hidden[number] ?? []
                    group.addTask { (number, try part(number, some)) }
                    begun += 1
                }
                guard let (number, bytes) = try await group.next() else { break }
                waiting[number] = bytes
                while let bytes = waiting.removeValue(forKey: next) {
                    next += 1
                    total += Int64(bytes.count)
                    try file.write(
                        contentsOf: Data(try packer.pack(bytes[...], isLast: next == partCount)))
                }
            }
        }
        try file.close()
        return total
    }

    private struct Packer {
        private var gzip: GzipEncoder?
        private var xz: XzEncoder?

        init(_ path: String) throws {
            if path.hasSuffix(".gz") {
                gzip = GzipEncoder()
                if gzip == nil { throw BenchError("there is no memory for packing") }
            } else if path.hasSuffix(".xz") {
                xz = XzEncoder()
                if xz == nil { throw BenchError("there is no memory for packing") }
            }
        }

        func pack(_ bytes: ArraySlice<UInt8>, isLast: Bool) throws -> [UInt8] {
            if let gzip { return gzip.encode(bytes, isLast ? .finish : .none) }
            if let xz { return try xz.encode(bytes, isLast: isLast) }
            return Array(bytes)
        }
    }

    /// What is hidden goes anywhere: a bundle's transactions far apart, a chain's messages in any
    /// order.
    private func hiddenByPart() -> [Int: [Transaction]] {
        var random = FastRandom(seed: seed)
        var free = [Int](repeating: 0, count: partCount)
        for part in free.indices {
            free[part] = min(Self.linesPerPart, count - part * Self.linesPerPart)
        }
        var parts: [Int: [Transaction]] = [:]
        for transaction in wanted {
            var part = random.below(partCount)
            while free[part] == 0 { part = (part + 1) % partCount }
            free[part] -= 1
            parts[part, default: []].append(transaction)
        }
        return parts
    }

    private func part(_ number: Int, _ hidden: [Transaction]) throws -> [UInt8] {
        var random = FastRandom(seed: seed &+ UInt64(number) &* 0x9e37_79b9_7f4a_7c15 &+ 1)
        let lineCount = min(Self.linesPerPart, count - number * Self.linesPerPart)
        var places = Array(0..<lineCount)
        for index in hidden.indices {
            places.swapAt(index, index + random.below(lineCount - index))
        }
        let hiddenAt = Dictionary(uniqueKeysWithValues: zip(places, hidden))
        let size = Transaction.tryteCount
        var rows: [UInt8] = []
        rows.reserveCapacity(lineCount * size)
        for line in 0..<lineCount {
            if let transaction = hiddenAt[line] {
                rows += transaction.trytes.ascii
            } else {
                appendJunk(to: &rows, line: number * Self.linesPerPart + line, &random)
            }
        }
        let hashes = TransactionHashing.hashes(ofRows: rows)
        var text: [UInt8] = []
        text.reserveCapacity(lineCount * (size + 100))
        for line in 0..<lineCount {
            append(
                hashes[line * Hash.tryteCount..<(line + 1) * Hash.tryteCount],
                rows[line * size..<(line + 1) * size], number * Self.linesPerPart + line, to: &text)
        }
        if number % Self.partsPerFault == 0 {
            var wrong = Array(hashes.prefix(Hash.tryteCount))
            wrong[0] = wrong[0] == UInt8(ascii: "9") ? UInt8(ascii: "A") : UInt8(ascii: "9")
            append(wrong[...], rows[..<size], 0, to: &text)
        }
        return text
    }

    /// From before the layout of today to Hornet's dumps, which have a field more.
    private static let milestones = 200_000..<2_000_000
    private static let firstOfHornet = 1_537_347

    private func append(
        _ hash: ArraySlice<UInt8>, _ trytes: ArraySlice<UInt8>, _ line: Int, to text: inout [UInt8]
    ) {
        let milestone =
            Self.milestones.lowerBound
            + Int(Double(line) / Double(count) * Double(Self.milestones.count))
        text += hash
        text.append(UInt8(ascii: ","))
        text += trytes
        text.append(UInt8(ascii: ","))
        if milestone >= Self.firstOfHornet { text += [UInt8(ascii: "0"), UInt8(ascii: ",")] }
        text += Array(String(milestone).utf8)
        text.append(UInt8(ascii: "\n"))
    }

    private func appendJunk(to rows: inout [UInt8], line: Int, _ random: inout FastRandom) {
        let nine = UInt8(ascii: "9")
        let isOfBundle = line % 5 == 0
        let index = isOfBundle ? line / 5 % 4 : 0
        // Half of the fragments are text and zeros, the others full.
        let full = random.below(2) == 0 ? 2187 : 300
        let start = random.below(Self.fragment.count - full)
        rows += Self.fragment[start..<start + full]
        rows += [UInt8](repeating: nine, count: 2187 - full)
        if isOfBundle, line % 500 == 0, !wanted.isEmpty {
            rows += wanted[random.below(wanted.count)].address.trytes.ascii
        } else {
            random.append(81, to: &rows)
        }
        rows += [UInt8](repeating: nine, count: 27)
        random.append(27, to: &rows)
        random.append(9, to: &rows)
        rows += Self.integer(index)
        rows += Self.integer(isOfBundle ? 3 : 0)
        random.append(81 + 81 + 81, to: &rows)
        rows += [UInt8](repeating: nine, count: 27 + 9 + 9)
        rows += [UInt8](repeating: UInt8(ascii: "M"), count: 9)
        random.append(27, to: &rows)
    }

    /// 0 to 3 as nine trytes.
    private static func integer(_ value: Int) -> [UInt8] {
        [TryteAlphabet.character(of: value)] + [UInt8](repeating: UInt8(ascii: "9"), count: 8)
    }

    private static let fragment: [UInt8] = {
        var random = FastRandom(seed: 1)
        var bytes: [UInt8] = []
        random.append(1 << 20, to: &bytes)
        return bytes
    }()
}

/// Random numbers that come again with the same seed (SplitMix64).
struct FastRandom {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    mutating func below(_ bound: Int) -> Int {
        Int(next().multipliedFullWidth(by: UInt64(max(1, bound))).high)
    }

    private static let alphabet = (0..<27).map { TryteAlphabet.character(of: $0) }

    /// Trytes, twelve of each number.
    mutating func append(_ count: Int, to bytes: inout [UInt8]) {
        var left = count
        while left > 0 {
            var number = next()
            for _ in 0..<min(12, left) {
                let (digit, rest) = number.multipliedFullWidth(by: 27)
                bytes.append(Self.alphabet[Int(digit)])
                number = rest
            }
            left -= 12
        }
    }
}
