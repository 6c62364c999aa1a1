import Archive
import Assembly
import Foundation
import QueryAPI
import Vault

extension Arguments {
    fileprivate func holdSelector() throws(CommandFailure) -> HoldSelector {
        switch (value("subject"), try channel("channel")) {
        case (let subject?, nil): return .subject(subject)
        case (nil, let channel?): return .channel(channel)
        default: throw wrong("exactly one of --subject and --channel is needed")
        }
    }
}

extension Synopsis.Option {
    fileprivate static let heldSubject = value("subject", "S", "a person, with all channels")
    fileprivate static let heldChannel = value("channel", "ID", "one channel")
}

/// Keeps a channel or a person from being forgotten.
enum HoldSetCommand: Command {
    static let synopsis = Synopsis(
        name: "hold set",
        summary: "Sets a legal hold: what is under it is not forgotten until it is lifted.",
        options: [
            .heldSubject, .heldChannel,
            .value("reason", "TEXT", "why; kept sealed", required: true),
        ])

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let selector = try arguments.holdSelector()
        let reason = arguments.value("reason") ?? ""
        _ = try await context.withInstance { instance, _, _ in
            try await instance.archive.setHold(selector, reason: reason, now: Date())
        }
    }
}

/// Lets it be forgotten again.
enum HoldLiftCommand: Command {
    static let synopsis = Synopsis(
        name: "hold lift", summary: "Lifts a legal hold; requests that waited for it go on.",
        options: [
            .heldSubject, .heldChannel, .value("reason", "TEXT", "why; sealed, in the audit log"),
        ])

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let selector = try arguments.holdSelector()
        let reason = arguments.value("reason")
        try await context.withInstance { instance, _, _ in
            try await instance.archive.liftHold(selector, reason: reason, now: Date())
        }
    }
}

/// Lists the legal holds.
enum HoldListCommand: Command {
    static let synopsis = Synopsis(
        name: "hold list", summary: "Lists the legal holds and why they stand.", options: [.json])

    private struct Document: Encodable {
        let id: String
        let scope: LegalHold.Kind
        let reason: String
        let setAt: Timestamp
        /// A token; absent for the operator.
        let setBy: String?
    }

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let holds = try await context.withInstance { instance, _, _ in
            try await instance.archive.holds()
        }.map { hold in
            Document(
                id: hold.target.text, scope: hold.kind, reason: hold.reason,
                setAt: Timestamp(hold.setAt), setBy: hold.setBy?.text)
        }
        if arguments.has("json") { return try context.console.json(holds) }
        let rows = holds.map {
            [
                $0.id, $0.scope.rawValue, $0.setAt.text, $0.setBy ?? "operator",
                TerminalText.harmless($0.reason),
            ]
        }
        try context.console.write(
            Table.text(header: ["ID", "SCOPE", "SET", "BY", "REASON"], rows))
    }
}
