import Assembly
import Failures
import Foundation
import Postgres
import Ternary

/// What can be measured, in the order in which it is.
enum Subject: String, CaseIterable {
    case curl, hashing, reading, ntru, metering, crawl, verify, query, energy, listeners
    case crowd
    case storage, node, `import`
    /// Fills a million messages, some 3 GB: only where it is asked for.
    case forget
    /// Fills 3.2 million messages, some 6 GB: the same.
    case year
    /// Takes eight minutes, and 5 GB of memory for a million junk transactions: the same.
    case fairness
    /// Takes a quarter of an hour: the same.
    case soak

    /// Only where they are asked for.
    var isRare: Bool { [.forget, .year, .fairness, .soak].contains(self) }

    var needsArchive: Bool {
        [
            .crawl, .verify, .query, .energy, .listeners, .crowd, .storage, .node, .forget,
            .year,
        ].contains(self)
    }
}

let usage = """
    usage: permanode-bench [SUBJECT…]
           permanode-bench make-dump FILE[.gz|.xz] [COUNT]
    Measures, and prints a table of figures, each beside one of the same run to hold it against.
    SUBJECT: \(Subject.allCases.map(\.rawValue).joined(separator: ", ")); all but the last
    four if none is given: they fill archives of a million messages (some 3 GB) and of three (6), and
    take minutes: how fair the crawler is to channels beside attacked ones, and a month of a thousand
    meters in simulated time.
    make-dump writes a dump for trying out, and FILE.channels with the channels that are in it.
    From crawl on they need PERMANODE_DATABASE_URL (or PERMANODE_TEST_DATABASE_URL): a server
    whose user may create databases. See Ops/bench.
    """

func note(_ text: String) { FileHandle.standardError.write(Data("\(text)\n".utf8)) }

/// What of the machine's time was this process's; the rest is the database's, or nobody's.
func noteShare(_ work: String, _ seconds: Double, _ processor: Double) {
    note(
        String(
            format: "%@: %.2f s, in which this process took %.2f s of the cores", work, seconds,
            processor))
}

func show(_ figures: [Figure]) {
    for figure in figures { print(figure.row) }
    fflush(nil)
}

func server() throws -> PostgresConfiguration {
    let environment = ProcessInfo.processInfo.environment
    let names = ["PERMANODE_DATABASE_URL", "PERMANODE_TEST_DATABASE_URL"]
    guard let url = names.compactMap({ environment[$0] }).first(where: { !$0.isEmpty }) else {
        throw BenchError("PERMANODE_DATABASE_URL is not set")
    }
    return try PostgresConfiguration(url: url)
}

func run(_ subjects: [Subject]) async throws {
    let path = CurlPLanes.Path.best
    note("Curl-P: \(path.rawValue), \(path.width) lanes")
    print(Figure.tableHead)
    if subjects.contains(.curl) { show(try CurlFigures.measure()) }
    if subjects.contains(.hashing) { show(try HashingFigures.measure()) }
    if subjects.contains(.reading) { show(try ReadingFigures.measure()) }
    if subjects.contains(.ntru) { show(try NTRUFigures.measure()) }
    if subjects.contains(.metering) { show(try EnergyFigures.parsing()) }
    if subjects.contains(.import) { show(try await ImportFigures.measure(on: server())) }
    if subjects.contains(.fairness) {
        show(
            try await BenchArchive.with(on: server()) { try await FairnessFigures.measure(on: $0) })
    }
    if subjects.contains(.soak) {
        show(try await BenchArchive.with(on: server()) { try await SoakFigures.measure(on: $0) })
    }
    guard subjects.contains(where: \.needsArchive) else { return }
    let figures = try await FilledArchive.with(on: server()) { filled in
        var figures: [Figure] = []
        if subjects.contains(.crawl) { figures += CrawlFigures.measure(filled) }
        if subjects.contains(.verify) { figures += try await VerifyFigures.measure(filled) }
        if subjects.contains(.storage) { figures += try await StorageFigures.measure(filled) }
        if subjects.contains(.node) { figures += try await NodeFigures.measure(filled) }
        if subjects.contains(.query) { figures += try await QueryFigures.measure(filled) }
        if subjects.contains(.verify) { figures += try await VerifyFigures.measureLong(filled) }
        if subjects.contains(.energy) || subjects.contains(.year) {
            figures += try await EnergyFigures.measure(
                filled.archive, withYear: subjects.contains(.year))
        }
        if subjects.contains(.listeners) { figures += try await ListenerFigures.measure(filled) }
        if subjects.contains(.crowd) { figures += try await CrowdFigures.measure(filled) }
        if subjects.contains(.forget) { figures += try await ForgetFigures.measure(filled) }
        return figures
    }
    show(figures)
}

ProcessMemory.keepFreed()
let arguments = CommandLine.arguments.dropFirst()
if arguments.contains(where: { ["--help", "-h"].contains($0) }) {
    print(usage)
    exit(0)
}
if arguments.first == "make-dump", (2...3).contains(arguments.count) {
    do {
        let count = arguments.count == 3 ? Int(arguments[3]) : 1_000_000
        guard let count else { throw BenchError("COUNT is no number") }
        try await ImportFigures.makeDump(arguments[2], count: count)
        exit(0)
    } catch {
        note("permanode-bench: \(error)")
        exit(1)
    }
}
let chosen = arguments.compactMap(Subject.init(rawValue:))
guard chosen.count == arguments.count else {
    note(usage)
    exit(2)
}
do {
    let usual = Subject.allCases.filter { !$0.isRare }
    try await run(chosen.isEmpty ? usual : chosen)
} catch let failure as any Failure {
    note("permanode-bench: \(failure.operatorText) [\(failure.code)]")
    exit(1)
} catch {
    note("permanode-bench: unexpected error: \(type(of: error))")
    exit(1)
}
