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

    var routes: [Route] {
        [
            Route("GET", "/healthz", .anyone) { _ in .text("ok\n") },
            Route("GET", "/readyz", .anyone, ready),
            Route("GET", "/metrics", .anyone) { [metrics] _ in
                .text(metrics.text(), contentType: Metrics.contentType)
            },
            Route("GET", "/openapi.json", .anyone) { _ in
                HTTPResponse(
                    status: 200,
                    headers: [
                        "Content-Type": "application/json", "Cache-Control": "public, max-age=300",
                    ],
                    body: .bytes(OpenAPIDocument.bytes))
            },
        ]
    }

    /// What the service stands on: `ok`, or the code of what is wrong.
    private struct Readiness: Encodable {
        let ready: Bool
        let database: String
        let keyRing: String
    }

    @Sendable private func ready(_ call: Call) async throws -> HTTPResponse {
        let database = await check("database") { try await archive.checkDatabase() }
        let keyRing = await check("key ring") { try archive.vault.refresh() }
        let ready = database == nil && keyRing == nil
        return .json(
            Readiness(ready: ready, database: database ?? "ok", keyRing: keyRing ?? "ok"),
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
