/// Which statements are prepared on a connection, the least recently used given up first.
struct StatementCache {
    struct Key: Hashable {
        let sql: String
        let types: [UInt32]
    }

    private struct Entry {
        let name: String
        var lastUse: UInt64
    }

    private let capacity: Int
    private var entries: [Key: Entry] = [:]
    private var clock: UInt64 = 0
    private var named: UInt64 = 0

    /// - Parameter capacity: 1 or more; less counts as 1.
    init(capacity: Int) { self.capacity = max(1, capacity) }

    var count: Int { entries.count }

    /// The prepared statement's name, if there is one.
    mutating func name(for key: Key) -> String? {
        clock &+= 1
        entries[key]?.lastUse = clock
        return entries[key]?.name
    }

    /// A name that was never used before.
    mutating func freshName() -> String {
        named &+= 1
        return "s\(named)"
    }

    /// Notes a statement as prepared; returns the name of the one that has to go for it.
    mutating func insert(_ key: Key, name: String) -> String? {
        clock &+= 1
        var evicted: String?
        if entries[key] == nil, entries.count >= capacity {
            // Linear in a small number, and only when something new is prepared.
            evicted = entries.min { $0.value.lastUse < $1.value.lastUse }
                .flatMap { entries.removeValue(forKey: $0.key)?.name }
        }
        entries[key] = Entry(name: name, lastUse: clock)
        return evicted
    }

    mutating func removeAll() { entries = [:] }
}
