import Foundation

/// Finds the command that the arguments name, runs it, and tells how it ended.
enum Program {
    static let commands: [any Command.Type] = [
        InitCommand.self, MigrateCommand.self, ServeCommand.self,
        ChannelAddCommand.self, ChannelListCommand.self, ChannelShowCommand.self,
        ChannelExtendCommand.self, ChannelPauseCommand.self, ChannelResumeCommand.self,
        ChannelSetCommand.self,
        ChannelRestrictCommand.self, ChannelLiftCommand.self, KeyAddCommand.self,
        KeyListCommand.self, ProviderKeyCreateCommand.self, ProviderKeyShowCommand.self,
        CrawlCommand.self, MessagesCommand.self, ReadingsCommand.self, ForgetCommand.self,
        ReceiptShowCommand.self,
        ReceiptVerifyCommand.self, ReceiptKeyCommand.self, VerifyCommand.self,
        ImportCommand.self, TokenCreateCommand.self, TokenListCommand.self,
        TokenRevokeCommand.self, GrantAddCommand.self, GrantListCommand.self,
        GrantRevokeCommand.self, AccessLogCommand.self, AuditListCommand.self,
        AuditHeadsCommand.self,
        AuditVerifyCommand.self, ChannelReadersCommand.self, ExportCommand.self,
        RequestsCommand.self, RequestsCheckCommand.self, RequestsApproveCommand.self,
        RequestsRefuseCommand.self, RequestsExtendCommand.self, HoldSetCommand.self,
        HoldLiftCommand.self, HoldListCommand.self,
        KeyringBackupCommand.self, KeyringRestoreCommand.self, KeyringShowCommand.self,
        KeyringRotateCommand.self, TombstoneLiftCommand.self, RestoreCheckCommand.self,
        DoctorCommand.self, LocalTangleCommand.self, GatewayCommand.self,
        PublishCreateCommand.self, PublishRootCommand.self, PublishCommand.self,
        DecodeCommand.self, DemoCommand.self,
    ]

    /// - Parameter arguments: With the program's name first.
    static func run(_ arguments: [String], _ environment: [String: String]) async -> ExitStatus {
        // A reader that goes away shows as an error of the write instead of ending the process.
        signal(SIGPIPE, SIG_IGN)
        // Neither does a file that may not grow: the forget log has to be left whole.
        signal(SIGXFSZ, SIG_IGN)
        let console = Console()
        var name = "permanode"
        do {
            let words = Array(arguments.dropFirst())
            if try answersHelp(words, console) { return .done }
            let (command, rest) = try find(words)
            name += " \(command.synopsis.name)"
            if isHelp(rest) {
                try console.write(command.synopsis.help)
                return .done
            }
            let context = CommandContext(environment: environment, console: console)
            try await command.run(Arguments(rest, for: command.synopsis), context)
            return .done
        } catch {
            let failure = CommandFailure(error)
            console.note("\(name): \(oneLine(failure.text))")
            return failure.status
        }
    }

    private static func isHelp(_ arguments: some Collection<String>) -> Bool {
        arguments.prefix { $0 != "--" }.contains { $0 == "--help" || $0 == "-h" }
    }

    /// Help for all of it, or for a group of commands.
    private static func answersHelp(_ words: [String], _ console: Console) throws -> Bool {
        guard let first = words.first else { return false }
        // A command of this name tells of itself, though others begin with it.
        let isGroup =
            words.count == 2 && isHelp(words.suffix(1)) && !group(first).isEmpty
            && !commands.contains { $0.synopsis.name == first }
        if first == "help", words.count > 1 {
            try console.write(find(Array(words.dropFirst())).command.synopsis.help)
            return true
        }
        guard isHelp(words.prefix(1)) || first == "help" || isGroup else { return false }
        try console.write(overview(of: isGroup ? group(first) : commands))
        return true
    }

    private static func group(_ word: String) -> [any Command.Type] {
        commands.filter { $0.synopsis.name.hasPrefix(word + " ") }
    }

    private static func overview(of commands: [any Command.Type]) -> String {
        let synopses = commands.map { $0.synopsis }
        let width = synopses.map(\.name.count).max() ?? 0
        let lines = synopses.map { synopsis in
            let padding = String(repeating: " ", count: width - synopsis.name.count)
            return "  \(synopsis.name)\(padding)  \(synopsis.summary)\n"
        }
        return "usage: permanode COMMAND …\n\n" + lines.joined()
            + "\n`permanode COMMAND --help` tells of one. Exit codes: 0 done; 1 failed; 2 used wrongly;\n"
            + "3 a thing named does not exist; 4 refused.\n"
    }

    private static func find(
        _ words: [String]
    ) throws -> (command: any Command.Type, rest: ArraySlice<String>) {
        for count in [2, 1] where words.count >= count {
            let name = words.prefix(count).joined(separator: " ")
            if let command = commands.first(where: { $0.synopsis.name == name }) {
                return (command, words.dropFirst(count))
            }
        }
        guard let first = words.first else {
            throw CommandFailure(.usedWrongly, "a command is missing; see permanode --help")
        }
        let members = group(first).map { $0.synopsis.name.dropFirst(first.count + 1) }
        guard members.isEmpty else {
            throw CommandFailure(
                .usedWrongly,
                "\(first) is followed by one of \(members.joined(separator: ", "));"
                    + " see permanode \(first) --help")
        }
        throw CommandFailure(.usedWrongly, "there is no such command; see permanode --help")
    }

    private static func oneLine(_ text: String) -> String {
        String(text.map { $0.isNewline || $0.asciiValue.map { $0 < 32 } == true ? " " : $0 })
    }
}
