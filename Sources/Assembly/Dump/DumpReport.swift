/// What became of the lines of dumps. Blank ones count as nothing.
package struct DumpReport: Sendable, Equatable, Codable {
    /// A line that was rejected.
    package struct RejectedLine: Sendable, Equatable, Codable {
        package let file: String
        /// From 1.
        package let line: Int64
        package let cause: DumpRejection
    }

    /// A file that could not be read to its end.
    package struct Fault: Sendable, Equatable, Codable {
        package let file: String
        package let reason: String
    }

    /// Rejected lines that are listed, of each cause; counted are all.
    package static let listedOfCause = 20

    /// Files that were read to their ends.
    package var files = 0
    package var transactions = 0
    /// Those of them that can be of a message, and were indexed.
    package var indexed = 0
    package var lines: Int64 = 0
    /// Rejected lines by cause.
    package var rejected: [String: Int] = [:]
    package var rejectedLines: [RejectedLine] = []
    package var faults: [Fault] = []

    package init() {}

    package var rejectedCount: Int { rejected.values.reduce(0, +) }

    /// Lines rejected for that.
    package func rejected(_ cause: DumpRejection) -> Int { rejected[cause.rawValue] ?? 0 }

    mutating func reject(_ cause: DumpRejection, file: String, line: Int64) {
        let count = rejected(cause)
        rejected[cause.rawValue] = count + 1
        guard count < Self.listedOfCause else { return }
        rejectedLines.append(RejectedLine(file: file, line: line, cause: cause))
    }

    /// Takes another file's report in.
    mutating func add(_ other: DumpReport) {
        files += other.files
        transactions += other.transactions
        indexed += other.indexed
        lines += other.lines
        for line in other.rejectedLines {
            let listed = rejectedLines.count { $0.cause == line.cause }
            if listed < Self.listedOfCause { rejectedLines.append(line) }
        }
        rejected.merge(other.rejected) { $0 + $1 }
        faults += other.faults
    }
}
