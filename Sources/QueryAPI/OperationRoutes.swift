import Archive
import Diagnostics
import Failures
import HTTPServer
import Vault

/// What whoever runs the service asks. Open to anyone: nothing
/// here tells of channels.
struct OperationRoutes: Sendable {
    let archive: Archive
    let metrics: Metrics
    let log: Log
    /// How the crawler of this process stands; nil where there is none.
    let crawler: (@Sendable () -> String)?

    var routes: [Route] {
        probes + [
            Route("GET", "/openapi.json", .anyone) { _ in
                HTTPResponse(
                    status: 200,
                    headers: [
                        "Content-Type": "application/json", "Cache-Control": "public, max-age=300",
                    ],
                    body: .bytes(OpenAPIDocument.bytes))
            }
        ]
    }

    /// What is asked over and over.
    var probes: [Route] {
        [
            Route("GET", "/healthz", .anyone) { _ in .text("ok\n") },
            Route("GET", "/readyz", .anyone, ready),
            Route("GET", "/metrics", .anyone) { [metrics] _ in
                .text(metrics.text(), contentType: Metrics.contentType)
            },
        ]
    }

    /// What the service stands on: `ok`, or the code of what is wrong.
    private struct Readiness: Encodable {
        let ready: Bool
        let database: String
        let keyRing: String
        /// Not crawling does not keep anybody from reading: it stands here for people.
        let crawler: String?
    }

    @Sendable private func ready(_ call: Call) async throws -> HTTPResponse {
        let database = await check("database") { try await archive.checkDatabase() }
        let keyRing = await check("key ring") { try archive.vault.refresh() }
        let ready = database == nil && keyRing == nil
        return .json(
            Readiness(
                ready: ready, database: database ?? "ok", keyRing: keyRing ?? "ok",
                crawler: crawler?()),
            status: ready ? 200 : 503)
    }

    private func check(_ part: String, _ look: () async throws -> Void) async -> String? {
        do {
            try await look()
            return nil
        } catch {
            let failure = error as? any Failure
            if let failure {
                log.failure(failure, "not ready", level: .warning, ["part": .string(part)])
            }
            return failure?.code ?? "failed"
        }
    }
}
