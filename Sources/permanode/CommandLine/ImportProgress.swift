import Assembly
import Crawler
import Synchronization

/// How far an import is: a line that is written over on a terminal, otherwise a line a minute.
final class ImportProgress: Sendable {
    private static let interval: Duration = .seconds(60)

    private let console: Console
    private let line: ProgressLine
    private let told = Mutex(ContinuousClock.now)

    init(_ console: Console) {
        self.console = console
        line = ProgressLine(console)
    }

    func show(_ progress: DumpTangleSource.Progress) { show(Self.text(progress)) }

    func show(_ summary: ChainWalk.Summary) { show("importing: \(summary.messages) messages") }

    func end() { line.end() }

    private func show(_ text: @autoclosure () -> String) {
        if console.showsProgress { return line.show(text()) }
        let isDue = told.withLock { told in
            let now = ContinuousClock.now
            guard now - told >= Self.interval else { return false }
            told = now
            return true
        }
        if isDue { console.note(text()) }
    }

    /// `reading 2 of 3: 41 %, 118000 transactions/s, 12 min left`.
    static func text(_ progress: DumpTangleSource.Progress) -> String {
        var parts: [String] = []
        if let byteCount = progress.byteCount {
            let share =
                byteCount > 0
                ? Double(min(progress.bytesTaken, byteCount)) / Double(byteCount) * 100 : 100
            parts.append("\(Int(share)) %")
        } else {
            parts.append("\(progress.bytesTaken >> 20) MiB")
        }
        parts.append("\(progress.transactionsNow) transactions")
        parts.append("\(Int(progress.rate)) transactions/s")
        if let left = progress.secondsLeft { parts.append(duration(left) + " left") }
        return "reading \(progress.file) of \(progress.files): " + parts.joined(separator: ", ")
    }

    /// In the unit that tells enough.
    static func duration(_ seconds: Double) -> String {
        // Beyond a century nobody waits, and Int would trap beyond its own range.
        let seconds = Int(min(max(0, seconds), 3_000_000_000))
        if seconds < 120 { return "\(seconds) s" }
        if seconds < 7200 { return "\(seconds / 60) min" }
        return "\(seconds / 3600) h \(seconds % 3600 / 60) min"
    }
}
