import Assembly

/// Runs the service.
enum ServeCommand: Command {
    static let synopsis = Synopsis(
        name: "serve",
        summary: "Runs the service until SIGTERM or SIGINT.",
        options: [
            .value(
                "roles", "ROLES",
                "of crawler, api and eraser, with commas between; all if not given")
        ],
        notes: """
            Listens at PERMANODE_LISTEN (127.0.0.1:8480); beyond loopback only with PERMANODE_TLS_CERT
            and PERMANODE_TLS_KEY, or with PERMANODE_PROXY_ENDS_TLS=yes. Follows channels through
            PERMANODE_NODES. A role that fails ends the service with 1. What is under way when it is
            told to stop has \(Int(Service.shutdownLimit / .seconds(1))) seconds; a second signal ends it at once.
            SIGHUP takes up nodes, rates, TLS files and log level anew, from PERMANODE_ENVIRONMENT_FILE;
            where anything is wrong there, nothing changes. Tells systemd how it stands (Type=notify,
            WatchdogSec=). PERMANODE_PROBE_LISTEN answers health, readiness and metrics alone.
            """)

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let roles = try roles(arguments)
        let needs = needs(of: roles)
        let configuration = try context.configuration(needs: needs)
        let signals = StopSignals()
        let hangUps = HangUps()
        defer { withExtendedLifetime(hangUps) {} }
        try await Instance.with(configuration) { instance in
            let service = Service(
                instance, configuration: configuration, roles: roles,
                log: configuration.log(quietly: false),
                manager: ServiceManager(context.environment),
                reload: ReloadSource(hangUps.all) { try context.configuration(needs: needs) })
            try await service.run { await signals.wait() }
        }
    }

    private static func needs(of roles: Set<ServiceRole>) -> Set<Configuration.Need> {
        var needs: Set<Configuration.Need> = [.database, .keyRing]
        if roles.contains(.crawler) { needs.insert(.nodes) }
        if roles.contains(.api) { needs.insert(.listener) }
        return needs
    }

    private static func roles(_ arguments: Arguments) throws(CommandFailure) -> Set<ServiceRole> {
        guard let list = arguments.value("roles") else { return Set(ServiceRole.allCases) }
        var roles: Set<ServiceRole> = []
        for name in list.split(separator: ",", omittingEmptySubsequences: false) {
            guard let role = ServiceRole(rawValue: String(name)) else {
                let names = ServiceRole.allCases.map(\.rawValue).joined(separator: ", ")
                throw arguments.wrong("--roles has a role that is none of \(names)")
            }
            roles.insert(role)
        }
        return roles
    }
}
