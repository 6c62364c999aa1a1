/// Which statements are prepared on a connection, the least recently used given up first.
package struct StatementCache {
    package struct Key: Hashable {
        package let sql: String
        package let types: [UInt32]

        package init(sql: String, types: [UInt32]) {
            self.sql = sql
            self.types = types
        }
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
    package init(capacity: Int) { self.capacity = max(1, capacity) }

    package var count: Int { entries.count }

    /// The prepared statement's name, if there is one.
    package mutating func name(for key: Key) -> String? {
        clock &+= 1
        entries[key]?.lastUse = clock
        return entries[key]?.name
    }

    /// A name that was never used before.
    package mutating func freshName() -> String {
        named &+= 1
        return "s\(named)"
    }

    /// Notes a statement as prepared; returns the name of the one that has to go for it.
    package mutating func insert(_ key: Key, name: String) -> String? {
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

    package mutating func removeAll() { entries = [:] }
}
