/// A label and every value it may take.
///
/// Closed, so that no text from outside becomes a series: a value that is not listed is
/// counted under `other`.
package struct MetricLabel: Sendable, Hashable {
    package let name: String
    package let values: [String]

    /// Stands for every value that is not listed.
    package static let other = "other"

    package init(_ name: String, values: [String]) {
        self.name = name
        var distinct: [String] = []
        for value in values where value != Self.other && !distinct.contains(value) {
            distinct.append(value)
        }
        self.values = distinct + [Self.other]
    }

    /// The values of a type that lists them.
    package init<Value: CaseIterable & RawRepresentable<String>>(_ name: String, _: Value.Type) {
        self.init(name, values: Value.allCases.map(\.rawValue))
    }
}

/// Numbers each combination of label values from 0 on.
struct LabelSpace: Sendable, Hashable {
    let labels: [MetricLabel]
    let count: Int
    private let indexes: [[String: Int]]

    /// Nil where there are more than `limit` combinations.
    init?(_ labels: [MetricLabel], limit: Int) {
        var count = 1
        for label in labels {
            let (product, overflow) = count.multipliedReportingOverflow(by: label.values.count)
            guard !overflow, product <= limit else { return nil }
            count = product
        }
        self.labels = labels
        self.count = count
        indexes = labels.map { label in
            Dictionary(uniqueKeysWithValues: label.values.enumerated().map { ($1, $0) })
        }
    }

    /// The number of a combination; missing and unlisted values are `other`.
    func index(of values: [String]) -> Int {
        var index = 0
        for (position, label) in labels.enumerated() {
            let last = label.values.count - 1
            let digit = position < values.count ? indexes[position][values[position]] ?? last : last
            index = index * label.values.count + digit
        }
        return index
    }

    /// The combination with number `index`.
    func values(at index: Int) -> [String] {
        var rest = index
        var values: [String] = []
        for label in labels.reversed() {
            values.append(label.values[rest % label.values.count])
            rest /= label.values.count
        }
        return values.reversed()
    }

    /// Whether the combination has an `other` in it: such series show up once they count.
    func hasOther(at index: Int) -> Bool {
        values(at: index).contains(MetricLabel.other)
    }
}
