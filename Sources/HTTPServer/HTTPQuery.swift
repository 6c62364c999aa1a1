/// The query of a request target, decoded: `name=value` pairs in order, `+` read as a space.
package struct HTTPQuery: Sendable, Hashable {
    package struct Item: Sendable, Hashable {
        package var name: String
        package var value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    package var items: [Item]

    package init(items: [Item] = []) { self.items = items }

    /// The value of the first item of that name.
    package subscript(name: String) -> String? { items.first { $0.name == name }?.value }

    /// The values of every item of that name, in order.
    package func values(_ name: String) -> [String] {
        items.filter { $0.name == name }.map(\.value)
    }
}

extension HTTPQuery: Sequence {
    package func makeIterator() -> IndexingIterator<[Item]> { items.makeIterator() }
}
