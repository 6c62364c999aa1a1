import Archive
import ArchiveTestSupport
import Assembly
import Diagnostics
import Erasure
import Foundation
import HTTPServer
import NodeClient
import Secrets
import Synchronization
import TestSupport
import Testing
import Vault

/// Recipients told through a webhook.
@Suite struct RecipientWebhookTests {
    private struct Document: Decodable {
        struct Told: Decodable, Equatable { let number: Int, token: String, channel: String }
        let event: String
        let request: String
        let notices: [Told]
    }

    /// A webhook that refuses as often as it is told to, and keeps what it took.
    private final class Hook: Sendable {
        let refusals: Mutex<Int>
        let taken = Mutex<[HTTPRequest]>([])

        init(refusals: Int) { self.refusals = Mutex(refusals) }

        func answer(_ request: HTTPRequest) -> HTTPResponse {
            let refuses = refusals.withLock { left in
                defer { left = max(left - 1, 0) }
                return left > 0
            }
            if refuses { return HTTPResponse(status: 503, headers: [:], body: .bytes([])) }
            taken.withLock { $0.append(request) }
            return HTTPResponse(status: 204, headers: [:], body: .bytes([]))
        }
    }

    private func withHook(
        refusals: Int,
        _ body: (
            TestArchive, Hook, WebhookNotifier, _ channel: ChannelNumber, _ reader: ChannelNumber
        )
            async throws -> Void
    ) async throws {
        try await TestArchive.with { test in
            let hook = Hook(refusals: refusals)
            let server = try HTTPServer(
                configuration: HTTPServerConfiguration(address: "127.0.0.1", port: 0)
            ) { hook.answer($0) }
            let notifier = WebhookNotifier(
                archive: test.archive,
                webhook: WebhookClient(
                    endpoint: try NodeEndpoint("http://127.0.0.1:\(server.port)/hook")),
                firstWait: .milliseconds(2), log: .silent)
            let channel = try await test.fill(channel: "meter")
            let reader = try await test.archive.createToken(
                .reader, channels: [channel], now: Date()
            ).record.id
            _ = try await AuditActor.$current.withValue(.token(reader)) {
                try await test.archive.messages(of: channel, MessageRange(), limit: 5)
            }
            try await test.archive.audit.flush()
            let result: Result<Void, any Error>
            do {
                result = .success(try await body(test, hook, notifier, channel, reader))
            } catch { result = .failure(error) }
            await server.shutdown(grace: .seconds(5))
            try result.get()
        }
    }

    private func forget(
        _ channel: ChannelNumber, _ test: TestArchive, _ notifier: WebhookNotifier
    ) async throws -> ForgetRequestRecord {
        let request = try await test.archive.receiveForgetRequest(
            .channel(channel), reason: nil, now: Date())
        return try await Eraser(archive: test.archive, notifier: notifier, log: .silent)
            .execute(request.id)
    }

    private func receipt(_ request: ForgetRequestRecord) throws -> Receipt {
        try SignedReceipt(text: Array((request.receipt ?? "").utf8)).receipt()
    }

    @Test func theyAreToldOnceHoweverOftenTheWebhookRefusesFirst() async throws {
        try await withHook(refusals: 3) { test, hook, notifier, channel, reader in
            let request = try await forget(channel, test, notifier)
            let taken = hook.taken.withLock { $0 }
            #expect(taken.count == 1)
            let told = try #require(taken.first)
            let document = try JSONDecoder().decode(Document.self, from: Data(told.body))
            #expect(document.event == "forgotten")
            #expect(document.request == request.id.text)
            #expect(document.notices.map(\.token) == [reader.text])
            #expect(document.notices.map(\.channel) == [channel.text])
            let signature = try #require(told.headers["Permanode-Signature"])
            let bytes = try Hex.decode(String(signature.dropFirst("ed25519=".count)))
            #expect(
                SigningKey.verify(
                    bytes, of: told.body, publicKey: test.vault.signingKey.publicKey))
            #expect(try receipt(request).told == [.init(token: reader.text, by: .webhook)])
            let notices = try await test.archive.notices(of: request.id)
            #expect(notices.count == 1 && notices.allSatisfy { $0.deliveredAt != nil })
            await notifier.tell(request.id)
            #expect(hook.taken.withLock { $0.count } == 1)
        }
    }

    @Test func aForgetIsDoneAlthoughTheWebhookRefusesAndItIsToldLater() async throws {
        try await withHook(refusals: 5) { test, hook, notifier, channel, _ in
            let request = try await forget(channel, test, notifier)
            #expect(request.state == .done)
            #expect(hook.taken.withLock { $0.isEmpty })
            #expect(try receipt(request).told.map(\.by) == [.event])
            #expect(
                try await test.archive.undeliveredNotices(since: .distantPast).map(\.request) == [
                    request.id
                ])
            let later = Task { await notifier.run() }
            let began = ContinuousClock.now
            while hook.taken.withLock({ $0.isEmpty }), ContinuousClock.now - began < .seconds(20) {
                try await Task.sleep(for: .milliseconds(5))
            }
            later.cancel()
            await later.value
            #expect(hook.taken.withLock { $0.count } == 1)
        }
    }
}
