import Ternary

/// Where the transactions of dumps stand, by address and by hash; 36 bytes each.
///
/// It holds fingerprints, not hashes: what a look-up gives are places worth reading, and who
/// reads there checks. Fingerprints come from `Hasher`, whose key is new in each process, so
/// a dump cannot be made whose transactions all meet in one.
struct DumpIndex: Sendable {
    /// A line of a file.
    struct Place: Sendable, Hashable {
        let file: UInt16
        let offset: Int64
    }

    private struct Entry: Sendable {
        let address: UInt64
        let hash: UInt64
        /// The file in the upper 16 bits, the offset in the lower 48: 281 TB.
        let place: UInt64

        init(address: Hash, hash: Hash, place: Place) {
            self.address = DumpIndex.fingerprint(address)
            self.hash = DumpIndex.fingerprint(hash)
            self.place = UInt64(place.file) << 48 | UInt64(truncatingIfNeeded: place.offset)
        }

        var unpacked: Place {
            Place(
                file: UInt16(place >> 48),
                offset: Int64(truncatingIfNeeded: place & (1 << 48 - 1)))
        }
    }

    /// By address once `sort` was called.
    private var entries: [Entry] = []
    /// Indexes of `entries` in the order of their hashes.
    private var byHash: [UInt32] = []

    var count: Int { entries.count }

    mutating func add(address: Hash, hash: Hash, at place: Place) {
        entries.append(Entry(address: address, hash: hash, place: place))
    }

    /// To be called after the last `add` and before the first look-up.
    mutating func sort() {
        entries.sort { ($0.address, $0.place) < ($1.address, $1.place) }
        byHash = entries.indices.map(UInt32.init)
        byHash.sort { (entries[Int($0)].hash, $0) < (entries[Int($1)].hash, $1) }
    }

    /// Where transactions of an address may stand, in the order of files and lines.
    func places(address: Hash) -> [Place] {
        let wanted = Self.fingerprint(address)
        let start = Self.firstIndex(entries.count) { entries[$0].address >= wanted }
        return entries[start...].prefix { $0.address == wanted }.map(\.unpacked)
    }

    /// Where the transaction of this hash may stand.
    func places(hash: Hash) -> [Place] {
        let wanted = Self.fingerprint(hash)
        let start = Self.firstIndex(byHash.count) { entries[Int(byHash[$0])].hash >= wanted }
        return byHash[start...].lazy.map { entries[Int($0)] }.prefix { $0.hash == wanted }
            .map(\.unpacked)
    }

    private static func fingerprint(_ hash: Hash) -> UInt64 {
        UInt64(bitPattern: Int64(hash.hashValue))
    }

    /// The first of `count` indexes at which a condition holds that holds for all after it.
    private static func firstIndex(_ count: Int, where holds: (Int) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if holds(middle) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
