import Archive
import Assembly
import Diagnostics
import Vault

/// A command: one type, in one file of `Commands`.
protocol Command: SendableMetatype {
    static var synopsis: Synopsis { get }

    /// - Throws: any error; `CommandFailure` says how it is told.
    static func run(_ arguments: Arguments, _ context: CommandContext) async throws
}

/// What a command runs in.
struct CommandContext: Sendable {
    let environment: [String: String]
    let console: Console

    /// - Throws: `ConfigurationError`.
    func configuration(needs: Set<Configuration.Need>) throws -> Configuration {
        try Configuration(environment, needs: needs)
    }

    /// Records an act on the key ring, or says loudly that it could not be.
    func record(
        _ kind: AuditKind, _ details: [String: String], _ configuration: Configuration,
        vault: Vault
    ) async {
        let why = await Instance.record(kind, details, configuration, vault: vault)
        if let why { console.note("NOT RECORDED in the audit log: \(why)") }
    }

    /// Opens the archive, calls `body`, and closes it.
    func withInstance<Value: Sendable>(
        needs: Set<Configuration.Need> = [],
        _ body: @Sendable (Instance, Configuration, Log) async throws -> Value
    ) async throws -> Value {
        let configuration = try configuration(needs: needs.union([.database, .keyRing]))
        return try await Instance.with(configuration) { instance in
            try await body(instance, configuration, configuration.log(quietly: true))
        }
    }
}
