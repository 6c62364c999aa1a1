import Diagnostics
import Failures
import Foundation
import Secrets
import Vault

/// The service: its roles in one process, until it is told to stop or one of them fails.
package struct Service: Sendable {
    /// How long what is under way may take to end after the word to stop: an orchestrator
    /// kills after 30 seconds.
    package static let shutdownLimit: Duration = .seconds(20)

    private let instance: Instance
    private let configuration: Configuration
    private let roles: Set<ServiceRole>
    private let manager: ServiceManager
    private let reload: ReloadSource
    private let log: Log

    /// - Parameters:
    ///   - manager: Is told how the service stands.
    ///   - reload: When to take up another configuration.
    package init(
        _ instance: Instance, configuration: Configuration, roles: Set<ServiceRole>, log: Log,
        manager: ServiceManager = .none, reload: ReloadSource = .none
    ) {
        self.instance = instance
        self.configuration = configuration
        self.roles = roles
        self.manager = manager
        self.reload = reload
        self.log = log
    }

    /// Runs until `stop` returns, then ends every role.
    ///
    /// - Throws: Why a role could not start or ended by itself;
    ///   `AssemblyError.shutdownTooSlow` where what is under way outlasts `shutdownLimit`:
    ///   the process should then end without waiting for it.
    package func run(until stop: @escaping @Sendable () async -> Void) async throws {
        if !CoreDumps.forbid() {
            log.warning("core dumps could not be switched off: one would hold keys")
        }
        if !SecretMemory.isLocked {
            log.warning(
                "secrets could not be locked in memory and may reach swap: raise RLIMIT_MEMLOCK")
        }
        let parts = try ServiceParts(
            instance, configuration: configuration, roles: roles, manager: manager, reload: reload,
            log: log)
        let work = Task { try await parts.run() }
        let status =
            "serving: " + roles.map(\.rawValue).sorted().joined(separator: ", ")
        log.info(
            "serving", ["roles": .string(roles.map(\.rawValue).sorted().joined(separator: ","))])
        manager.ready(status)
        let watching = Task { [manager, log] in
            await manager.keepWatch(
                parts.liveness, status: status, log: log.component("watch"))
        }
        let reloading = Task { await parts.reloading.run(status: status) }
        defer {
            watching.cancel()
            reloading.cancel()
        }
        try await wait(for: work, until: stop)
    }

    private enum Event { case stopped, ended(Result<Void, any Error>), late }

    private func wait(
        for work: Task<Void, any Error>, until stop: @escaping @Sendable () async -> Void
    ) async throws {
        let (events, channel) = AsyncStream.makeStream(of: Event.self)
        let ending = Task { channel.yield(.ended(await work.result)) }
        let stopping = Task {
            await stop()
            channel.yield(.stopped)
            // Cut short by cancellation when everything has ended: then nobody listens.
            try? await Task.sleep(for: Self.shutdownLimit)
            channel.yield(.late)
        }
        defer {
            stopping.cancel()
            ending.cancel()
        }
        var isStopping = false
        for await event in events {
            switch event {
            case .stopped:
                guard !isStopping else { continue }
                isStopping = true
                manager.stopping()
                log.info("stopping")
                work.cancel()
            case .ended(.failure(let error)) where !(isStopping && Self.isCancellation(error)):
                throw error
            case .ended:
                log.info("stopped")
                return
            case .late:
                guard isStopping else { continue }
                throw AssemblyError.shutdownTooSlow(seconds: Int(Self.shutdownLimit / .seconds(1)))
            }
        }
    }

    /// Cancelling a statement or a request shows as the failure of its adapter.
    private static func isCancellation(_ error: any Error) -> Bool {
        if error is CancellationError { return true }
        guard let failure = error as? any Failure else { return false }
        return failure.code == "postgres.cancelled" || failure.code == "node.cancelled"
    }
}
