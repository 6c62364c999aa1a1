import Archive
import Assembly
import Foundation
import Vault

/// Checks the audit log.
enum AuditVerifyCommand: Command {
    /// A head has some 350 bytes; this is over a hundred thousand.
    private static let headsFileLimit = 64 << 20

    static let synopsis = Synopsis(
        name: "audit verify",
        summary: "Follows every chain of the audit log; ends with 1 if one does not hold.",
        options: [
            .value("heads", "FILE", "heads that `audit heads` printed; - is standard input"), .json,
        ],
        notes: """
            Every fault is a line on standard output: chain, number, cause. Without --heads, what was
            appended since the last signed head (an hour at most) could have been cut off, and whole
            chains could have been removed, by one who may change the database at will; with --heads
            nothing up to them can.
            """)

    private struct Fault: Encodable {
        let writer: String
        let number: Int64
        let cause: String
    }

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let exported = try arguments.value("heads").map { try heads($0, arguments) } ?? []
        let (console, asJSON) = (context.console, arguments.has("json"))
        let report = try await context.withInstance { instance, _, _ in
            try await instance.archive.verifyAudit(exported: exported) { fault in
                if asJSON {
                    try console.json(
                        Fault(
                            writer: fault.writer.text, number: fault.number,
                            cause: fault.cause.rawValue))
                } else {
                    try console.line(
                        "fault: chain \(fault.writer.text) entry \(fault.number):"
                            + " \(fault.cause.rawValue): \(fault.cause.explanation)")
                }
            }
        }
        if asJSON {
            try console.json(report)
        } else {
            try console.write(
                Table.fields([
                    ("chains", String(report.chains)), ("entries", String(report.entries)),
                    ("signed heads", String(report.heads)), ("faults", String(report.faults)),
                ]))
        }
        guard report.faults == 0 else {
            throw CommandFailure(
                .failed, "\(report.faults) faults: the audit log is not as it was written")
        }
    }

    private static func heads(_ path: String, _ arguments: Arguments) throws -> [AuditHead] {
        let file: FileHandle
        if path == "-" {
            file = .standardInput
        } else if let opened = FileHandle(forReadingAtPath: path) {
            file = opened
        } else {
            throw CommandFailure(.notFound, "the file of --heads cannot be read")
        }
        let data = try file.read(upToCount: headsFileLimit + 1) ?? Data()
        guard data.count <= headsFileLimit else {
            throw arguments.wrong("the file of --heads has more than \(headsFileLimit) bytes")
        }
        return try data.split(separator: UInt8(ascii: "\n")).enumerated().map { number, line in
            guard let document = try? JSONDecoder().decode(AuditHeadDocument.self, from: line),
                let head = document.head
            else { throw arguments.wrong("line \(number + 1) of --heads is no head") }
            return head
        }
    }
}
