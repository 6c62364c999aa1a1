/// What a command is called, takes and says of itself.
struct Synopsis: Sendable {
    struct Option: Sendable {
        /// Without the two hyphens.
        let name: String
        /// What stands for its value; nil for a flag.
        let value: String?
        let isRepeatable: Bool
        let isRequired: Bool
        let text: String

        static func flag(_ name: String, _ text: String) -> Option {
            Option(name: name, value: nil, isRepeatable: false, isRequired: false, text: text)
        }

        static func value(
            _ name: String, _ value: String, _ text: String, repeatable: Bool = false,
            required: Bool = false
        ) -> Option {
            Option(
                name: name, value: value, isRepeatable: repeatable, isRequired: required,
                text: text)
        }

        static let json = Option.flag("json", "for machines: JSON on standard output")
    }

    /// How many operands there may be.
    enum Operands: Sendable {
        case none
        case one(String)
        case oneOrMore(String)
        case any(String)
    }

    /// With its group, such as `channel add`.
    let name: String
    /// One line.
    let summary: String
    var operands = Operands.none
    var options: [Option] = []
    /// What else has to be said.
    var notes = ""

    /// The usage line without `usage: `.
    var usage: String {
        var parts = ["permanode \(name)"]
        switch operands {
        case .none: break
        case .one(let name): parts.append(name)
        case .oneOrMore(let name): parts.append("\(name)…")
        case .any(let name): parts.append("[\(name)…]")
        }
        for option in options {
            let form = option.value.map { "--\(option.name) \($0)" } ?? "--\(option.name)"
            parts.append(option.isRequired ? form : "[\(form)]" + (option.isRepeatable ? "…" : ""))
        }
        return parts.joined(separator: " ")
    }

    var help: String {
        var lines = ["usage: \(usage)", summary]
        if !options.isEmpty {
            let forms = options.map { "--\($0.name)" + ($0.value.map { " \($0)" } ?? "") }
            let width = forms.map(\.count).max() ?? 0
            lines.append("")
            for (option, form) in zip(options, forms) {
                let padding = String(repeating: " ", count: width - form.count)
                lines.append("  \(form)\(padding)  \(option.text)")
            }
        }
        if !notes.isEmpty { lines += ["", notes] }
        return lines.joined(separator: "\n") + "\n"
    }
}
