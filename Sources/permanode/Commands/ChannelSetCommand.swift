import Archive
import Assembly
import Foundation

/// Changes how long a channel's messages are kept, whose data it is, and whom a node's commands
/// answer about it.
enum ChannelSetCommand: Command {
    static let synopsis = Synopsis(
        name: "channel set",
        summary: "Says how long a channel's messages are kept, whose it is, and who may ask.",
        operands: .one("ID"),
        options: [
            .value("retention", "MONTHS", "whole months, such as 13m, or none"),
            .value(
                "add-subject", "S", "it is this person's data, too: a pseudonym, never a name",
                repeatable: true),
            .value("remove-subject", "S", "it is this person's no more", repeatable: true),
            .value("node-interface", "WHOM", "public, token or off"),
        ],
        notes: """
            Kept are the month under way and as many months before it. Older ones are forgotten by
            the eraser (permanode serve), keys first, within seconds; it counts in which month
            (UTC) the archive took a message in. With none all is kept.

            Who is taken off a channel sees it no more, and a forget of him leaves it; the channel
            stays as it is.

            With --node-interface the commands of a node of the Tangle answer about the channel:
            to anyone (public), or to tokens that may read it (token). What they look things up by
            is made now, of all that is stored, and deleted with off.
            """)

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let id = try arguments.channelOperand()
        let wanted = arguments.value("retention")
        let retention = wanted == "none" ? nil : try arguments.retention()
        let (added, removed) = (arguments.all("add-subject"), arguments.all("remove-subject"))
        let isOff = arguments.value("node-interface") == "off"
        let interface = isOff ? nil : try arguments.choice("node-interface", NodeInterface.self)
        guard
            wanted != nil || !added.isEmpty || !removed.isEmpty || interface != nil || isOff
        else {
            throw arguments.wrong("nothing is to be changed: an option is missing")
        }
        guard Set(added).isDisjoint(with: removed) else {
            throw arguments.wrong("--add-subject and --remove-subject name the same person")
        }
        try await context.withInstance { instance, _, _ in
            if !added.isEmpty || !removed.isEmpty {
                try await instance.archive.changeSubjects(
                    of: id, adding: added, removing: removed, now: Date())
            }
            if wanted != nil { try await instance.archive.setRetention(retention, of: id) }
            guard interface != nil || isOff else { return }
            try await instance.archive.setNodeInterface(interface, of: id)
            while try await instance.archive.workOnNodeLookups(of: id) {}
        }
    }
}
