import Foundation

/// A file of lines `NAME=value`, as systemd's `EnvironmentFile=` takes it, read again on SIGHUP:
/// the environment of a process that runs cannot be changed from outside.
///
/// Blank lines and such that begin with `#` or `;` are passed over; a value may stand in single or
/// double quotes, in which nothing is special. Only variables of this program are taken: a name
/// that is misspelt would otherwise go unnoticed.
struct EnvironmentFile {
    /// Bytes: a hundred times what all variables take.
    private static let longest = 256 << 10

    private(set) var values: [String: String] = [:]
    private(set) var faults: [ConfigurationError.Fault] = []

    init(path: String) {
        guard let file = FileHandle(forReadingAtPath: path),
            let data = try? file.read(upToCount: Self.longest + 1)
        else {
            // An empty file gives no data, and is no fault.
            let isEmpty = FileManager.default.contents(atPath: path)?.isEmpty == true
            if !isEmpty { faults.append(.unreadableFile) }
            return
        }
        guard data.count <= Self.longest, let text = String(bytes: data, encoding: .utf8) else {
            faults.append(.malformed("names a file that is too long or no UTF-8"))
            return
        }
        // By bytes: a line may end with CR LF, which is one character.
        for (index, line) in text.utf8.split(
            separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false
        ).enumerated() {
            let line = String(Substring(line)).trimmingCharacters(in: .whitespacesAndNewlines)
            guard let first = line.first, first != "#", first != ";" else { continue }
            take(line, number: index + 1)
        }
    }

    private mutating func take(_ line: String, number: Int) {
        guard let sign = line.firstIndex(of: "=") else {
            return faults.append(.malformed("has no NAME=value in line \(number)"))
        }
        let name = line[..<sign].trimmingCharacters(in: .whitespaces)
        var value = line[line.index(after: sign)...].trimmingCharacters(in: .whitespaces)
        guard let variable = Configuration.Variable(rawValue: name),
            variable != .environmentFile
        else {
            return faults.append(.malformed("names an unknown variable in line \(number)"))
        }
        guard values[name] == nil else {
            return faults.append(.malformed("sets \(name) again in line \(number)"))
        }
        for quote in ["\"", "'"] where value.count > 1 {
            if value.hasPrefix(quote), value.hasSuffix(quote) {
                value = String(value.dropFirst().dropLast())
                break
            }
        }
        values[name] = value
    }
}
