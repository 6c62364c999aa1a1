import Archive
import Assembly
import Diagnostics
import Erasure
import Failures
import Foundation
import Vault

/// Erases a person's channels, one channel, or a part of one.
enum ForgetCommand: Command {
    static let synopsis = Synopsis(
        name: "forget",
        summary: "Plans, erases, proves: keys first, then rows; prints the receipt.",
        options: [
            .value("subject", "S", "every channel of the person with this pseudonym"),
            .value("channel", "ID", "one channel"),
            .value("period", "MONTH[..MONTH]", "what was taken in in these months only"),
            .flag("including-shared", "also channels that are the data of others, for all of them"),
            .flag("leaving-shared", "such channels stay, and are the others' alone"),
            .flag("dry-run", "prints the plan and changes nothing"),
            .flag("yes", "does not ask"),
            .value("reason", "TEXT", "kept sealed until it is done"),
            .json,
        ],
        notes: """
            Needs exactly one of --subject and --channel. Without --yes it asks on a terminal, and
            refuses where there is none. What it erased cannot be had back, and the channels' roots
            are never taken again.

            With --period (2021-05 or 2021-05..2021-08, UTC, both included) a part of one channel
            goes, and the channel is followed on. It counts in which month the archive took a
            message in, not which time the message claims. The month under way goes up to now;
            what comes after stays.

            A person one of whose channels is the data of others, too, is forgotten only with
            --including-shared or --leaving-shared; --dry-run names those channels.
            """)

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let scope = try scope(arguments)
        let shared = try shared(arguments, scope)
        let (isDry, asJSON) = (arguments.has("dry-run"), arguments.has("json"))
        let console = context.console
        guard isDry || arguments.has("yes") || isatty(STDIN_FILENO) == 1 else {
            throw CommandFailure(
                .refused, "there is no terminal to ask on: give --yes, or look with --dry-run first"
            )
        }
        let reason = arguments.value("reason")
        try await context.withInstance { instance, configuration, log in
            let archive = instance.archive
            let eraser = Eraser(
                archive: archive, settings: EraserSettings(configuration), log: log)
            let plan: ForgetPlan
            do {
                plan = try await archive.planForget(scope, shared: shared)
            } catch let error as ArchiveError where !isDry {
                let ours = try await finishInterrupted(archive, eraser, console, ofOthers: true) {
                    $0.kind == .channel && scope == .channel($0.target)
                }
                try await eraser.complete(atOnce: true)
                guard let ours else { throw error }
                return try write(
                    try await archive.forgetRequest(ours.id), nil, asJSON, console)
            }
            if isDry || !asJSON { try write(plan, shared, asJSON, console) }
            if isDry { return }
            if shared == .refuse, !plan.shared.isEmpty {
                throw ArchiveError.sharedChannels(plan.shared.compactMap(ChannelNumber.init(text:)))
            }
            guard arguments.has("yes") || confirm(console) else {
                throw CommandFailure(.refused, "not confirmed: nothing was erased")
            }
            if case .period(let channel, _) = scope {
                // What was asked for since may have come after it: that is a request of its own.
                try await finishInterrupted(archive, eraser, console, ofOthers: false) {
                    $0.kind == .period && $0.target == channel
                }
            }
            let request = try await archive.receiveForgetRequest(
                scope, shared: shared, reason: reason, now: Date())
            // Kept nowhere: whoever cuts off what follows must have it.
            if let salt = request.salt, !asJSON {
                try console.line("For the requester, kept nowhere: salt \(salt.text)")
            }
            try await archive.hasten(request, now: Date())
            let progress = ProgressLine(console)
            defer { progress.end() }
            var done = try await eraser.execute(request.id) { progress.show(describe($0)) }
            progress.show("clearing dead rows away")
            do {
                try await eraser.complete(atOnce: true)
                done = try await archive.forgetRequest(request.id)
            } catch let failure as any Failure {
                log.failure(failure, "the receipt is not final yet", level: .warning)
            }
            progress.end()
            try write(done, asJSON ? request.salt : nil, asJSON, console)
        }
    }

    private static func scope(_ arguments: Arguments) throws(CommandFailure) -> ForgetSelector {
        guard let selector = try selector(arguments) else {
            throw arguments.wrong("exactly one of --subject and --channel is needed")
        }
        return selector
    }

    /// Who names a channel means it, whosever data it is.
    private static func shared(_ arguments: Arguments, _ scope: ForgetSelector)
        throws(CommandFailure) -> SharedChannels
    {
        let isOfPerson = if case .subject = scope { true } else { false }
        switch (arguments.has("including-shared"), arguments.has("leaving-shared")) {
        case (true, true):
            throw arguments.wrong("only one of --including-shared and --leaving-shared goes")
        case (_, true) where !isOfPerson: throw arguments.wrong("--leaving-shared needs --subject")
        case (_, true): return .leave
        case (let including, false): return including || !isOfPerson ? .forget : .refuse
        }
    }

    /// Nil where neither a subject nor a channel is named.
    static func selector(_ arguments: Arguments) throws(CommandFailure) -> ForgetSelector? {
        var periods: ClosedRange<Period>?
        if let text = arguments.value("period") {
            periods = ClosedRange<Period>(text: text)
            guard periods != nil else {
                throw arguments.wrong(
                    "--period is no month, as 2021-05, or months, as 2021-05..2021-08")
            }
        }
        switch (arguments.value("subject"), try arguments.channel("channel"), periods) {
        case (let subject?, nil, nil): return .subject(subject)
        case (nil, let channel?, nil): return .channel(channel)
        case (nil, let channel?, let periods?): return .period(channel, periods)
        case (nil, nil, nil): return nil
        case (.some, .some, _):
            throw arguments.wrong("exactly one of --subject and --channel is needed")
        case (_, nil, .some): throw arguments.wrong("--period needs --channel")
        }
    }

    /// Finishes forgets that were cut off, of which some have taken their target away already.
    ///
    /// - Parameters:
    ///   - ofOthers: those, too, that are not ours; where one fails, the rest goes on.
    ///   - isOurs: which of them are what was asked for now.
    /// - Returns: the last of ours.
    @discardableResult
    private static func finishInterrupted(
        _ archive: Archive, _ eraser: Eraser, _ console: Console, ofOthers: Bool,
        _ isOurs: (ForgetRequestRecord) -> Bool
    ) async throws -> ForgetRequestRecord? {
        var ours: ForgetRequestRecord?
        for request in try await archive.openForgetRequests(ofRetention: false)
        where request.state == .executing && (ofOthers || isOurs(request)) {
            console.note("finishing the forget \(request.id.text), which was cut off")
            do {
                let done = try await eraser.execute(request.id)
                if isOurs(request) { ours = done }
            } catch let failure as any Failure where !isOurs(request) {
                console.note("\(request.id.text) is not finished yet: \(failure.publicText)")
            }
        }
        return ours
    }

    private static func confirm(_ console: Console) -> Bool {
        console.note("This cannot be undone. Type yes to erase:")
        return readLine() == "yes"
    }

    private static func describe(_ step: ForgetJob.Step) -> String {
        switch step {
        case .begin: "shutting out crawlers and readers"
        case .bury(let channel): "writing tombstones of \(channel.text)"
        case .shred(let channel): "destroying the keys of \(channel.text)"
        case .delete(let channel): "deleting the rows of \(channel.text)"
        case .conclude, .finished: "looking for what should be gone"
        }
    }

    private static func write(
        _ plan: ForgetPlan, _ shared: SharedChannels, _ asJSON: Bool, _ console: Console
    ) throws {
        if asJSON { return try console.json(plan) }
        try console.line("To be erased, with its keys:")
        try console.write(
            Table.fields([("channels", String(plan.channels))] + Receipt.fields(of: plan.rows)))
        for channel in plan.shared {
            let end =
                switch shared {
                case .refuse: "nothing is erased unless that is meant"
                case .forget: "goes for all of them"
                case .leave: "stays theirs"
                }
            try console.line("the data of others, too: \(channel): \(end)")
        }
    }

    /// What a file of it is checked from with `permanode receipt verify`.
    private struct Answer: Encodable {
        let receipt: Receipt
        let signed: SignedReceipt
        let salt: String?
    }

    private static func write(
        _ request: ForgetRequestRecord, _ salt: ForgetSalt?, _ asJSON: Bool, _ console: Console
    ) throws {
        guard let text = request.receipt else {
            throw CommandFailure(.failed, "the forget \(request.id.text) left no receipt")
        }
        let signed = try SignedReceipt(text: Array(text.utf8))
        let receipt = try signed.receipt()
        if asJSON {
            return try console.json(Answer(receipt: receipt, signed: signed, salt: salt?.text))
        }
        try console.line("Erased. Receipt \(receipt.request):")
        try console.write(Table.fields(receipt.fields))
        for reader in receipt.told {
            try console.line("told by \(reader.by.rawValue): token \(reader.token)")
        }
        for exception in receipt.notCovered { try console.line("not covered: \(exception)") }
        try console.line("Signed: permanode receipt show \(receipt.request)")
    }
}
