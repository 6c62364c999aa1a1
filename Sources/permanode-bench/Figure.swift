import Foundation

/// A measured number, and what the same run measured beside it.
struct Figure: Sendable {
    let name: String
    let value: Double
    let unit: String
    /// What the value is held against, in the same unit.
    let comparison: (name: String, value: Double)?

    init(
        _ name: String, _ value: Double, _ unit: String,
        comparedWith comparison: (name: String, value: Double)? = nil
    ) {
        self.name = name
        self.value = value
        self.unit = unit
        self.comparison = comparison
    }

    /// The head of the Markdown table whose rows `row` gives.
    static let tableHead = """
        | figure | value | unit | compared with | value | ratio |
        | --- | ---: | --- | --- | ---: | ---: |
        """

    var row: String {
        let rest = comparison.map {
            "\($0.name) | \(Self.text($0.value)) | \(Self.text(value / $0.value))"
        }
        return "| \(name) | \(Self.text(value)) | \(unit) | \(rest ?? "| |") |"
    }

    /// With three significant digits, and whole from 100 on.
    private static func text(_ value: Double) -> String {
        if value < 0.1 { return String(format: "1 : %.0f", 1 / value) }
        let digits = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3
        return String(format: "%.\(digits)f", value)
    }
}
