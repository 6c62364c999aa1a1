import Secrets

/// Keys derived lately, because going down the tree takes some 20 µs. A pure value; keys wipe
/// themselves when the last reference goes.
///
/// Two halves: new keys go into the young one; when that is full it becomes the old one, and the
/// old one goes. So a key in use stays, and the count has a bound.
struct DerivedKeyCache {
    struct Name: Hashable {
        let leaf: TreePath
        let use: LeafUse
    }

    /// Keys at most.
    static let capacity = 8_192

    private var young: [Name: SecretBytes] = [:]
    private var old: [Name: SecretBytes] = [:]

    var count: Int { young.count + old.count }

    mutating func key(_ name: Name) -> SecretBytes? {
        if let key = young[name] { return key }
        guard let key = old.removeValue(forKey: name) else { return nil }
        insert(key, name)
        return key
    }

    mutating func insert(_ key: SecretBytes, _ name: Name) {
        if young.count >= Self.capacity / 2 {
            old = young
            young = [:]
        }
        young[name] = key
    }

    mutating func removeAll() {
        young = [:]
        old = [:]
    }
}

/// What a key derived from a leaf is for, so that no key serves two algorithms. The numbers are
/// part of what is stored: never reuse one.
enum LeafUse: UInt64 {
    case seal = 1
    case lookup = 2
    case fingerprint = 3

    static let context = KeyDerivation.Context("pmn.leaf")
}
