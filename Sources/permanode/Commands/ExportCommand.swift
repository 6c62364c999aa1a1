import Archive
import Assembly
import Foundation
import MAM
import QueryAPI
import Vault

/// Writes down everything held about a person.
enum ExportCommand: Command {
    static let synopsis = Synopsis(
        name: "export",
        summary: "Writes everything held about a person to a folder: JSON, CSV and a manifest.",
        options: [
            .value("subject", "S", "the person's pseudonym", required: true),
            .value("to", "DIR", "a folder that is empty or not there", required: true),
            .json,
        ],
        notes: """
            Messages are decrypted: whoever has the folder has the data. A forget that begins
            meanwhile stops the export and removes what it wrote. Cells of CSV that a spreadsheet
            would run as formulas have an apostrophe before them; the JSON has them as they are.
            Keys, and bundles that no known key opens, are not in it; the raw bundles are public,
            and each can be had as evidence.
            """)

    private struct Manifest: Encodable {
        let format = "permanode export 1"
        let subject: String
        let exportedAt: Timestamp
        let counts: SubjectExport.Counts
        let files: [ExportFolder.Entry]
    }

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let (pseudonym, path) = (arguments.value("subject") ?? "", arguments.value("to") ?? "")
        let (console, asJSON) = (context.console, arguments.has("json"))
        let progress = ProgressLine(console)
        defer { progress.end() }
        try await context.withInstance { instance, _, _ in
            let archive = instance.archive
            let subject = try await archive.subject(pseudonym)
            let folder = try ExportFolder(path)
            let now = Date()
            do {
                var messages = 0
                let counts = try await SubjectExport(archive: archive, subject: subject).run(
                    now: now
                ) { part in
                    try write(part, to: folder)
                    if case .messages(let batch, _) = part { messages += batch.count }
                    progress.show("exporting: \(messages) messages")
                }
                let files = try folder.finish { files in
                    try Console.encoded(
                        Manifest(
                            subject: pseudonym, exportedAt: Timestamp(now), counts: counts,
                            files: files)) + Data("\n".utf8)
                }
                progress.end()
                try tell(counts, files, asJSON, console)
            } catch {
                let left = folder.abandon()
                guard left.isEmpty else {
                    throw CommandFailure(
                        .failed,
                        "the export was stopped, and what it wrote cannot be removed: remove "
                            + left.joined(separator: ", ") + " by hand")
                }
                throw error
            }
        }
    }

    private static func write(_ part: SubjectExport.Part, to folder: ExportFolder) throws {
        switch part {
        case .channel(let held):
            try folder.add([held], to: "channels.json")
            try folder.add([row(held)], columns: channelColumns, to: "channels.csv")
            try folder.add(
                held.readers.map { reader in
                    [
                        held.channel.id, reader.token ?? "operator", reader.firstReadAt.text,
                        reader.lastReadAt.text, String(reader.messages),
                    ]
                }, columns: ["channel", "token", "firstReadAt", "lastReadAt", "messages"],
                to: "readers.csv")
        case .messages(let messages, let channel):
            try folder.add(messages, to: "messages-\(channel.text).json")
            try folder.add(
                MessageDocument.csv(messages), count: messages.count,
                header: MessageDocument.csvHeader, to: "messages-\(channel.text).csv")
        case .audit(let records):
            try folder.add(records, to: "audit.json")
            try folder.add(
                records.map { record in
                    let details = (record.details ?? [:]).sorted { $0.key < $1.key }
                    return [
                        record.at.text, record.kind, record.actor ?? "operator",
                        record.about ?? "",
                        details.map { "\($0.key)=\($0.value)" }.joined(separator: " "),
                    ]
                }, columns: ["at", "kind", "actor", "about", "details"], to: "audit.csv")
        }
    }

    private static let channelColumns = [
        "id", "mode", "state", "label", "purpose", "basis", "messages", "from", "until",
        "createdAt",
    ]

    private static func row(_ held: HoldingDocument) -> [String] {
        let channel = held.channel
        return [
            channel.id, channel.mode.rawValue, channel.state.rawValue, channel.label ?? "",
            channel.purpose ?? "", channel.basis?.rawValue ?? "",
            channel.messages.map { String($0) } ?? "",
            held.periods.first?.period ?? "", held.periods.last?.period ?? "",
            channel.createdAt.text,
        ]
    }

    private static func tell(
        _ counts: SubjectExport.Counts, _ files: [ExportFolder.Entry], _ asJSON: Bool,
        _ console: Console
    ) throws {
        if asJSON { return try console.json(counts) }
        try console.write(
            Table.fields([
                ("channels", String(counts.channels)), ("messages", String(counts.messages)),
                ("audit entries", String(counts.auditEntries)),
                ("files", String(files.count + 1)),
            ]))
    }
}
