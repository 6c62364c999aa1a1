import Archive
import Assembly
import Crawler
import Diagnostics
import Foundation

/// Takes in what dumps have of the registered channels.
enum ImportCommand: Command {
    static let synopsis = Synopsis(
        name: "import",
        summary: "Reads dumps and takes in what they have of the registered channels.",
        operands: .any("FILE"),
        options: [
            .value(
                "index", "DIR",
                "keep the index there: go on after an interruption, know what was read before"),
            .value(
                "milestone", "N",
                "of lines without one, where the file is not named after it (6000.dmp)"),
            .json,
        ],
        notes: """
            FILE is a .dmp of any time or NDJSON of {hash, trytes, milestone}, plain or as gzip or
            xz; - is standard input. Every hash is recomputed; rejected lines are listed by cause.
            Order does not matter, within a file or among files, and nothing is doubled by
            importing again.
            With --index, an import that was interrupted goes on where it was when it is called
            again in the same way, and channels that are registered later find all that the index
            has: permanode import --index DIR. Plain files stay where they are: the index points
            into them. Of others it keeps the transactions that can be of messages, of any channel.
            Ends with 1 if a line was rejected or a file could not be read to its end: what could
            be read is taken in all the same.
            """)

    private struct Result: Encodable {
        let dump: DumpReport
        let crawl: CrawlSummary
    }

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let (console, files) = (context.console, arguments.operands)
        let index = arguments.value("index")
        guard !files.isEmpty || index != nil else {
            throw arguments.wrong("it takes at least one FILE, or an index")
        }
        guard files.count(where: { $0 == "-" }) <= 1 else {
            throw arguments.wrong("standard input can be read once")
        }
        let milestone = try arguments.integer("milestone", in: Int32(0)...Int32.max)
        let progress = ImportProgress(console)
        defer { progress.end() }
        let (report, summary) = try await context.withInstance { instance, _, log in
            let dump = try await DumpTangleSource(
                paths: files, index: index, milestone: milestone
            ) { progress.show($0) }
            let crawler = try CrawlService.importing(
                dump, into: instance, metrics: Metrics(), log: log)
            let summary = try await crawler.crawlUntilIdle { progress.show($0) }
            try await instance.archive.recordAct(
                .dumpsImported,
                ["files": String(files.count), "messages": String(summary.messages)], now: Date())
            return (dump.report, summary)
        }
        progress.end()
        let crawl = CrawlSummary(summary)
        if arguments.has("json") {
            try console.json(Result(dump: report, crawl: crawl))
        } else {
            try console.write(Table.fields(fields(of: report)))
            try crawl.write(to: console, asJSON: false)
        }
        if summary.unreachable {
            throw CommandFailure(
                .failed, "what the index points to could not be read: see the warnings")
        }
        try crawl.requireNoFailures()
        try requireAll(report)
    }

    /// Lines of each cause that are named to people.
    private static let linesNamed = 5

    private static func fields(of report: DumpReport) -> [(String, String)] {
        let rejected = DumpRejection.allCases.compactMap { cause -> (String, String)? in
            let count = report.rejected(cause)
            guard count > 0 else { return nil }
            let lines = report.rejectedLines.filter { $0.cause == cause }.prefix(linesNamed)
            let named = lines.map { "\($0.file):\($0.line)" }.joined(separator: ", ")
            let more = count > lines.count ? ", …" : ""
            return ("rejected lines", "\(count) (\(cause.explanation)): \(named)\(more)")
        }
        return [
            ("files", String(report.files)), ("lines", String(report.lines)),
            ("transactions", String(report.transactions)),
            ("can be of messages", String(report.indexed)),
        ] + rejected + report.faults.map { ("not read to its end", $0.reason) }
    }

    /// Nothing that is missing goes without an exit code.
    private static func requireAll(_ report: DumpReport) throws(CommandFailure) {
        var reasons: [String] = []
        if let first = report.faults.first {
            let others = report.faults.count - 1
            reasons.append(
                "\(first.reason)" + (others > 0 ? ", and \(others) more files are at fault" : ""))
        }
        if report.rejectedCount > 0 {
            reasons.append("\(report.rejectedCount) lines were rejected")
        }
        guard !reasons.isEmpty else { return }
        throw CommandFailure(
            .failed, reasons.joined(separator: "; ") + ": messages may be missing")
    }
}
