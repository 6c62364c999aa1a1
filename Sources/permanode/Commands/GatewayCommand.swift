import Assembly
import Diagnostics
import Secrets

/// Runs a gateway for clients that know no tokens.
enum GatewayCommand: Command {
    static let synopsis = Synopsis(
        name: "gateway",
        summary: "Lets clients of a node on this machine use an archive that asks for a token.",
        options: [
            .value("archive", "URL", "the archive's; https, or on this machine", required: true),
            .value("token-file", "FILE", "the token to add; - is standard input", required: true),
            .value("listen", "ADDRESS:PORT", "on loopback; \(Gateway.defaultListen) if not given"),
            .value("allow-origin", "ORIGIN", "of pages that may use it", repeatable: true),
        ],
        notes: """
            Passes on the commands of a node (POST / and /api) and what MAM clients ask of Chrysalis
            nodes, and nothing else. Whoever can connect to it reads what the token may read: it
            listens on loopback only, and refuses pages shown in a browser unless their origin is
            allowed. Prints its URL; ends at SIGTERM or SIGINT.
            """)

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        guard let listen = ListenAddress(arguments.value("listen") ?? Gateway.defaultListen) else {
            throw arguments.wrong("--listen is no ADDRESS:PORT with a numeric address")
        }
        guard let token = try arguments.token() else {
            throw arguments.wrong("--token-file is missing")
        }
        let signals = StopSignals()
        let gateway: Gateway
        do {
            gateway = try Gateway(
                archive: arguments.value("archive") ?? "", token: token, listen: listen,
                origins: Set(arguments.all("allow-origin")))
        } catch let refusal as Gateway.Refusal {
            throw failure(refusal, arguments)
        }
        try context.console.line(gateway.url)
        let manager = ServiceManager(context.environment)
        let liveness = Liveness()
        let status = "listening at \(gateway.url)"
        let watching = Task {
            await manager.keepWatch(
                liveness, status: status, log: Log(component: "gateway", minimum: .warning))
        }
        let looking = Task { await gateway.keepLooking(liveness) }
        manager.ready(status)
        await signals.wait()
        manager.stopping()
        await gateway.shutdown()
        looking.cancel()
        watching.cancel()
    }

    private static func failure(_ refusal: Gateway.Refusal, _ arguments: Arguments)
        -> CommandFailure
    {
        switch refusal {
        case .notLoopback:
            CommandFailure(
                .refused, "it listens on loopback only: anyone beyond could use the token")
        case .plainHTTP:
            CommandFailure(
                .refused, "the token would travel unprotected: --archive must begin with https://")
        case .malformedToken: arguments.wrong("the file of --token-file holds no token")
        case .malformedURL(let reason): arguments.wrong("--archive cannot be used: \(reason)")
        }
    }
}
