import Archive
import Assembly
import Foundation
import QueryAPI
import Vault

/// Lists requests to forget: the queue.
enum RequestsCommand: Command {
    static let synopsis = Synopsis(
        name: "requests", summary: "Lists requests to forget, the latest first, and what is late.",
        options: [.flag("open", "only what is neither done nor refused"), .json],
        notes: """
            `permanode requests check`, `approve`, `refuse` and `extend` let something happen to one.
            """)

    private struct Document: Encodable {
        let id: String
        let scope: ForgetRequestRecord.Kind
        let state: ForgetState
        let receivedAt: Timestamp
        let dueAt: Timestamp
        let late: Bool
        let note: String?
    }

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let now = Date()
        let onlyOpen = arguments.has("open")
        let documents = try await context.withInstance { instance, _, _ in
            let archive = instance.archive
            let requests = try await archive.forgetRequests(onlyOpen: onlyOpen)
            return try requests.map { request in
                Document(
                    id: request.id.text, scope: request.kind, state: request.state,
                    receivedAt: Timestamp(request.receivedAt), dueAt: Timestamp(request.dueAt),
                    late: request.life.isLate(at: now), note: try archive.note(on: request))
            }
        }
        if arguments.has("json") { return try context.console.json(documents) }
        let rows = documents.map { request in
            [
                request.id, request.scope.rawValue, request.state.rawValue,
                request.receivedAt.text, request.dueAt.text, request.late ? "LATE" : "",
                TerminalText.harmless(request.note ?? ""),
            ]
        }
        try context.console.write(
            Table.text(
                header: ["ID", "SCOPE", "STATE", "RECEIVED", "DUE", "LATE", "NOTE"], rows))
    }
}

/// What the commands that let something happen to a request share.
private enum RequestStep {
    static func run(
        _ arguments: Arguments, _ context: CommandContext,
        _ event: @Sendable (Date) -> RequestLife.Event
    ) async throws {
        let text = arguments.operands.first ?? ""
        guard let id = ChannelNumber(text: text) else {
            throw CommandFailure(
                .notFound,
                "there is no such request: an id has 10 characters, see permanode requests")
        }
        let note = arguments.value("reason")
        try await context.withInstance { instance, configuration, _ in
            let now = Date()
            try await instance.archive.advance(
                id, event(now), policy: configuration.requestPolicy, note: note, now: now)
        }
    }
}

enum RequestsCheckCommand: Command {
    static let synopsis = Synopsis(
        name: "requests check", summary: "Says that the person who asks is who he says.",
        operands: .one("ID"))

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        try await RequestStep.run(arguments, context) { _ in .check(by: .operation) }
    }
}

enum RequestsApproveCommand: Command {
    static let synopsis = Synopsis(
        name: "requests approve",
        summary: "Approves a checked request: it is carried out after PERMANODE_FORGET_DELAY.",
        operands: .one("ID"),
        notes: """
            Where PERMANODE_FORGET_APPROVAL is second, it takes another one than who checked the
            identity.
            """)

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        try await RequestStep.run(arguments, context) { .approve(by: .operation, at: $0) }
    }
}

enum RequestsRefuseCommand: Command {
    static let synopsis = Synopsis(
        name: "requests refuse",
        summary: "Refuses a request that has not begun; also stops a mistake.",
        operands: .one("ID"),
        options: [.value("reason", "TEXT", "told to the person; kept sealed", required: true)])

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        try await RequestStep.run(arguments, context) { _ in .refuse }
    }
}

enum RequestsExtendCommand: Command {
    static let synopsis = Synopsis(
        name: "requests extend",
        summary: "Extends the time to answer, once, by 1 or 2 months (GDPR, article 12(3)).",
        operands: .one("ID"),
        options: [
            .value("reason", "TEXT", "told to the person; kept sealed", required: true),
            .value("months", "N", "1 or 2; 2 if not given"),
        ])

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let months = try arguments.integer("months", in: RequestLife.extensions) ?? 2
        try await RequestStep.run(arguments, context) { .extend(months: months, at: $0) }
    }
}
