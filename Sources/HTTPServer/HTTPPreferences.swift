/// What a field such as Accept or Accept-Encoding likes, and how much (RFC 9110, 12.4.2).
///
/// What is malformed in it counts as not there.
package struct HTTPPreferences: Sendable, Hashable {
    private struct Item: Sendable, Hashable {
        /// In lower case, without parameters.
        let name: String
        /// Thousandths.
        let weight: Int
    }

    private static let fullWeight = 1000

    private let items: [Item]

    /// - Parameter values: Of all fields of that name, in order.
    package init(_ values: [String]) {
        items = values.flatMap { $0.split(separator: ",") }.compactMap(Self.item)
    }

    package var isEmpty: Bool { items.isEmpty }

    /// Which of the media types, best first for who does not say, is liked best; nil where none is
    /// allowed. Of a type the most specific range counts (12.5.1); of types that are liked as much,
    /// the one that is named, then the one that is named first.
    package func mediaType(among offered: [String]) -> Int? {
        guard !isEmpty else { return offered.isEmpty ? nil : 0 }
        var best: (index: Int, rank: [Int])?
        for (index, type) in offered.enumerated() {
            guard let found = range(of: type), found.weight > 0 else { continue }
            let rank = [found.weight, found.precision, -found.place, -index]
            if best.map({ $0.rank.lexicographicallyPrecedes(rank) }) ?? true {
                best = (index, rank)
            }
        }
        return best?.index
    }

    private func range(of type: String) -> (weight: Int, precision: Int, place: Int)? {
        let major = type.prefix { $0 != "/" } + "/*"
        for (precision, name) in [(2, type), (1, String(major)), (0, "*/*")] {
            if let place = items.firstIndex(where: { $0.name == name }) {
                return (items[place].weight, precision, place)
            }
        }
        return nil
    }

    /// Whether a content coding is wanted rather than none (12.5.3).
    package func wantsCoding(_ names: String...) -> Bool {
        let weight = weight(names) ?? weight(["*"]) ?? 0
        return weight > 0 && weight >= self.weight(["identity"]) ?? 0
    }

    private func weight(_ names: [String]) -> Int? {
        items.first { names.contains($0.name) }?.weight
    }

    private static func item(_ text: Substring) -> Item? {
        let parts = text.lowercased().split(separator: ";", omittingEmptySubsequences: false)
            .map { $0.filter { $0 != " " && $0 != "\t" } }
        guard let name = parts.first, !name.isEmpty else { return nil }
        guard let field = parts.dropFirst().first(where: { $0.hasPrefix("q=") }) else {
            return Item(name: name, weight: fullWeight)
        }
        return weight(field.dropFirst(2)).map { Item(name: name, weight: $0) }
    }

    /// `0.` and `1.` with up to three digits more, in thousandths.
    private static func weight(_ text: Substring) -> Int? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let digits = parts.count == 2 ? Array(parts[1].utf8) : []
        guard parts.count <= 2, ["0", "1"].contains(parts[0]), digits.count <= 3,
            digits.allSatisfy({ (0x30...0x39).contains($0) })
        else { return nil }
        let value = (digits + [0x30, 0x30, 0x30]).prefix(3)
            .reduce(parts[0] == "1" ? 1 : 0) { $0 * 10 + Int($1 - 0x30) }
        return value <= fullWeight ? value : nil
    }
}
