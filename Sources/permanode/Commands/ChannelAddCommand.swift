import Archive
import Assembly
import Foundation
import MAM
import QueryAPI
import Vault

/// Registers a channel.
enum ChannelAddCommand: Command {
    static let synopsis = Synopsis(
        name: "channel add",
        summary: "Registers a channel to be followed; prints its id, alone on the last line.",
        options: [
            .value("root-file", "FILE", "the channel's first root; - is standard input"),
            .value("mode", "MODE", "public, private or restricted"),
            .value("side-key-file", "FILE", "for restricted channels; - is standard input"),
            .value(
                "mam-data", "FILE",
                "in place of these three: root and side key as a device hands them over,"
                    + " encrypted for a provider key of this archive; - is standard input"),
            .value(
                "subject", "S", "the operator's pseudonym for a person, never a name",
                repeatable: true),
            .value("label", "L", "for people"),
            .value("purpose", "TEXT", "what the messages are kept for"),
            .value(
                "basis", "BASIS",
                "why that is lawful: \(LawfulBasis.allCases.map(\.rawValue).joined(separator: ", "))"
            ),
            .value("retention", "MONTHS", "how long messages are kept, such as 13m; else all are"),
            .flag(
                "consent",
                "the private channel on which its one --subject authorises readers by their addresses"
            ),
            .value(
                "device", "ADDRESS",
                "the IOTA address by which consent channels name the device that writes it"),
            .json,
        ])

    /// Where a channel begins, as one of both ways of handing it in says.
    private enum Start {
        case known(Root, ChannelMode, SideKey?)
        case handedOver([UInt8])

        init(_ arguments: Arguments) throws {
            if let json = try arguments.handOver() {
                let others = ["root-file", "side-key-file"].filter(arguments.has)
                guard others.isEmpty,
                    try arguments.choice("mode", ChannelMode.self) ?? .restricted == .restricted
                else {
                    throw arguments.wrong(
                        "--mam-data is of a restricted channel and holds its root and side key")
                }
                self = .handedOver(json)
                return
            }
            guard let mode = try arguments.choice("mode", ChannelMode.self) else {
                throw arguments.wrong("--mode is missing")
            }
            self = .known(try arguments.root(), mode, try arguments.sideKey())
        }

        func open(_ archive: Archive) async throws -> (Root, ChannelMode, SideKey?) {
            switch self {
            case .known(let root, let mode, let sideKey): return (root, mode, sideKey)
            case .handedOver(let json):
                let opened = try HandOver(json, for: await archive.providerKeys())
                return (opened.root, .restricted, opened.sideKey)
            }
        }
    }

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        try arguments.checkStandardInput("root-file", "side-key-file", "mam-data")
        let start = try Start(arguments)
        let basis = try arguments.choice("basis", LawfulBasis.self)
        let retention = try arguments.retention()
        let device = try arguments.address("device")
        let record = try await context.withInstance { instance, _, _ in
            let (root, mode, sideKey) = try await start.open(instance.archive)
            var registration = ChannelRegistration(
                root: root, mode: mode, sideKey: sideKey, subjects: arguments.all("subject"),
                label: arguments.value("label"), purpose: arguments.value("purpose"),
                basis: basis, retention: retention)
            registration.isConsent = arguments.has("consent")
            registration.device = device
            let id = try await instance.archive.register(registration, now: Date())
            return try await instance.archive.channel(id)
        }
        if arguments.has("json") {
            try context.console.json(ChannelDocument(record, isAdmin: true))
        } else {
            try context.console.line(record.id.text)
        }
    }
}
