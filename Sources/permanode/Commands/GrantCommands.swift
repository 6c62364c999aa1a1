import Archive
import Assembly
import Foundation
import QueryAPI
import Vault

/// Gives a reader a grant.
enum GrantAddCommand: Command {
    static let synopsis = Synopsis(
        name: "grant add",
        summary: "Lets a reader read a channel or a part of it; prints the grant's id.",
        options: [
            .value("token", "ID", "the reader's token, as token list shows it", required: true),
            .value("channel", "ID", "what it may read", required: true),
            .value(
                "purpose", "TEXT", "what for; kept sealed, and told to the owner", required: true),
            .value("from", "T", "only messages that came in at this time (RFC 3339) or later"),
            .value("until", "T", "only messages that came in before this time"),
            .value("first-position", "N", "only messages of this tree or later ones"),
            .value("last-position", "N", "only messages of this tree or earlier ones"),
            .value("expires", "T", "from then on nothing is read by it"),
            .json,
        ],
        notes: """
            Times are those at which the archive took messages in: what a message claims of its own
            time is anybody's word. A token may have several grants for a channel; a message is given
            where one of them covers it.
            """)

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let positions = Int64.min...Int64.max
        let grant = NewGrant(
            token: try Arguments.number(arguments.value("token") ?? "", "token"),
            channel: try Arguments.number(arguments.value("channel") ?? "", "channel"),
            purpose: arguments.value("purpose"),
            window: GrantWindow(
                seenFrom: try arguments.time("from"), seenUntil: try arguments.time("until"),
                firstPosition: try arguments.integer("first-position", in: positions),
                lastPosition: try arguments.integer("last-position", in: positions)),
            expiresAt: try arguments.time("expires"))
        let record = try await context.withInstance { instance, _, _ in
            try await instance.archive.addGrant(grant, now: Date())
        }
        if arguments.has("json") {
            try context.console.json(GrantDocument(record))
        } else {
            try context.console.line(record.id.text)
        }
    }
}

/// Lists grants.
enum GrantListCommand: Command {
    static let synopsis = Synopsis(
        name: "grant list", summary: "Lists what readers may read, ended grants too.",
        options: [
            .value("channel", "ID", "only those for this channel"),
            .value("token", "ID", "only those of this token"), .json,
        ])

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let channel = try arguments.channel("channel")
        let token = try arguments.value("token").map { text throws(CommandFailure) in
            try Arguments.number(text, "token")
        }
        let grants = try await context.withInstance { instance, _, _ in
            var grants: [GrantRecord] = []
            while true {
                let page = try await instance.archive.grants(
                    of: channel, to: token, after: grants.last?.id)
                grants += page
                if page.count < Archive.grantPageLimit { return grants }
            }
        }.map(GrantDocument.init)
        if arguments.has("json") { return try context.console.json(grants) }
        let rows = grants.map { grant in
            [
                grant.id, grant.token, grant.channel, grant.from?.text ?? "-",
                grant.until?.text ?? "-", grant.firstPosition.map { String($0) } ?? "-",
                grant.lastPosition.map { String($0) } ?? "-", grant.expires?.text ?? "-",
                grant.revokedAt?.text ?? "-", grant.grantedBy ?? "operator",
                TerminalText.harmless(grant.purpose ?? "-"),
            ]
        }
        try context.console.write(
            Table.text(
                header: [
                    "ID", "TOKEN", "CHANNEL", "FROM", "UNTIL", "FIRST", "LAST", "EXPIRES",
                    "REVOKED", "BY", "PURPOSE",
                ], rows))
    }
}

/// Ends a grant.
enum GrantRevokeCommand: Command {
    static let synopsis = Synopsis(
        name: "grant revoke",
        summary: "Ends a grant for good, and within a second what is being read by it.",
        operands: .one("ID"))

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let id = try Arguments.number(arguments.operands.first ?? "", "grant")
        try await context.withInstance { instance, _, _ in
            _ = try await instance.archive.revokeGrant(id, now: Date())
        }
    }
}
