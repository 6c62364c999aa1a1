/// A command's arguments, sorted by its synopsis.
struct Arguments: Sendable {
    private(set) var operands: [String] = []
    private var values: [String: [String]] = [:]
    private let synopsis: Synopsis

    /// `--name VALUE` and `--name=VALUE`; `--` ends the options, and `-` is an operand or a
    /// value. Texts of errors repeat no operand and no value: a root may have come to stand
    /// there by mistake.
    ///
    /// - Throws: `CommandFailure` of status `usedWrongly`.
    init(_ arguments: some Sequence<String>, for synopsis: Synopsis) throws(CommandFailure) {
        self.synopsis = synopsis
        var rest = Array(arguments)[...]
        while let argument = rest.popFirst() {
            if argument == "--" {
                operands += rest
                break
            }
            guard argument.hasPrefix("-"), argument != "-" else {
                operands.append(argument)
                continue
            }
            try take(argument, &rest)
        }
        try check()
    }

    private mutating func take(
        _ argument: String, _ rest: inout ArraySlice<String>
    ) throws(CommandFailure) {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts[0].drop { $0 == "-" })
        guard argument.hasPrefix("--"),
            let option = synopsis.options.first(where: { $0.name == name })
        else { throw wrong("unknown option\(Self.shown(name))") }
        guard values[name] == nil || option.isRepeatable else {
            throw wrong("--\(name) is given twice")
        }
        if option.value == nil {
            guard parts.count == 1 else { throw wrong("--\(name) takes no value") }
            values[name, default: []].append("")
            return
        }
        guard let value = parts.count == 2 ? String(parts[1]) : rest.popFirst(), !value.isEmpty
        else { throw wrong("--\(name) needs a value") }
        values[name, default: []].append(value)
    }

    private func check() throws(CommandFailure) {
        for option in synopsis.options where option.isRequired && values[option.name] == nil {
            throw wrong("--\(option.name) is missing")
        }
        switch synopsis.operands {
        case .none where !operands.isEmpty: throw wrong("it takes no operands")
        case .one(let name) where operands.count != 1: throw wrong("it takes exactly one \(name)")
        case .oneOrMore(let name) where operands.isEmpty:
            throw wrong("it takes at least one \(name)")
        default: break
        }
    }

    /// Only what looks like the name of an option.
    private static func shown(_ name: String) -> String {
        let isName = name.count <= 24 && name.allSatisfy { $0.isLowercase || $0 == "-" }
        return isName ? " --\(name)" : ""
    }

    /// What is wrong with how the command was called.
    func wrong(_ text: String) -> CommandFailure {
        CommandFailure(.usedWrongly, "\(text); see permanode \(synopsis.name) --help")
    }

    func has(_ flag: String) -> Bool { values[flag] != nil }

    func value(_ name: String) -> String? { values[name]?.first }

    func all(_ name: String) -> [String] { values[name] ?? [] }

    /// - Throws: `CommandFailure` where the value is no number within the range.
    func integer<Number: FixedWidthInteger>(
        _ name: String, in range: ClosedRange<Number>
    ) throws(CommandFailure) -> Number? {
        guard let text = value(name) else { return nil }
        guard let number = Number(text), range.contains(number) else {
            throw wrong("--\(name) is no number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// - Throws: `CommandFailure` where the value is none of the cases.
    func choice<Value: RawRepresentable<String> & CaseIterable>(
        _ name: String, _: Value.Type
    ) throws(CommandFailure) -> Value? {
        guard let text = value(name) else { return nil }
        guard let choice = Value(rawValue: text) else {
            let names = Value.allCases.map(\.rawValue).joined(separator: ", ")
            throw wrong("--\(name) is none of \(names)")
        }
        return choice
    }
}
