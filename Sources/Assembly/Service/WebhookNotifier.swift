import Archive
import Diagnostics
import Erasure
import Failures
import Foundation
import NodeClient
import Secrets
import Vault

/// Tells recipients through the operator's webhook, signed with the key ring's key.
package struct WebhookNotifier: RecipientNotifier {
    /// Tries during a forget, whose receipt waits for them: some 15 seconds beside the
    /// webhook's own deadlines.
    private static let attempts = 5

    /// How long notices that no webhook took are tried again.
    private static let patience: TimeInterval = 7 * 86_400

    private let archive: Archive
    private let webhook: WebhookClient
    private let firstWait: Duration
    private let log: Log

    package init(
        archive: Archive, webhook: WebhookClient, firstWait: Duration = .seconds(1), log: Log
    ) {
        self.archive = archive
        self.webhook = webhook
        self.firstWait = firstWait
        self.log = log
    }

    /// Through the configured webhook; nil where none is.
    package init?(_ archive: Archive, _ configuration: Configuration, log: Log) {
        guard let endpoint = configuration.webhook else { return nil }
        self.init(
            archive: archive, webhook: WebhookClient(endpoint: endpoint),
            log: log.component("webhook"))
    }

    package func tell(_ request: ChannelNumber) async {
        var backoff = Backoff(first: firstWait, maximum: .seconds(8))
        for attempt in 1...Self.attempts {
            do {
                try await post(noticesOf: request)
                return
            } catch {
                guard !Task.isCancelled else { return }
                warn(error, request)
            }
            if attempt < Self.attempts { try? await Task.sleep(for: backoff.next()) }
        }
    }

    private func post(noticesOf request: ChannelNumber) async throws {
        var after: Int64 = 0
        while true {
            let page = try await archive.notices(of: request, after: after)
            guard let last = page.last else { return }
            try await post(page.filter { $0.deliveredAt == nil })
            after = last.number
        }
    }

    /// Tells what is still waiting, until the task is cancelled.
    package func run() async {
        var backoff = Backoff(first: .seconds(30), maximum: .seconds(3600))
        while !Task.isCancelled {
            do {
                try await tellWaiting()
                backoff.reset()
            } catch {
                if !Task.isCancelled { warn(error, nil) }
            }
            try? await Task.sleep(for: backoff.next())
        }
    }

    private func tellWaiting() async throws {
        let since = Date().addingTimeInterval(-Self.patience)
        while true {
            let page = try await archive.undeliveredNotices(since: since)
            guard !page.isEmpty else { return }
            // Those of a forget under way are told by it. One that is refused keeps no other from
            // being told.
            var failure: (any Error)?
            for (_, notices) in Dictionary(grouping: page, by: \.request) {
                do {
                    try await post(notices)
                } catch {
                    try Task.checkCancellation()
                    failure = failure ?? error
                }
            }
            if let failure { throw failure }
        }
    }

    /// What the webhook gets.
    private struct Document: Encodable {
        struct Told: Encodable {
            let number: Int64
            let token: String
            let channel: String
        }

        let event = "forgotten"
        let request: String
        let at: String
        /// Each number once; the same again where an answer was lost.
        let notices: [Told]
    }

    private func post(_ notices: [Notice]) async throws {
        guard let first = notices.first else { return }
        let document = Document(
            request: first.request.text, at: first.at.ISO8601Format(),
            notices: notices.map {
                .init(number: $0.number, token: $0.reader.text, channel: $0.channel.text)
            })
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let body = Array(try encoder.encode(document))
        let key = archive.vault.signingKey
        try await webhook.post(
            body, headers: ["Permanode-Signature: ed25519=\(Hex.encode(key.sign(body)))"])
        try await archive.markDelivered(notices, now: Date())
    }

    private func warn(_ error: any Error, _ request: ChannelNumber?) {
        let fields: LogFields = request.map { ["request": .string($0.text)] } ?? [:]
        if let failure = error as? any Failure {
            log.failure(failure, "recipients wait to be told", level: .warning, fields)
        } else {
            log.warning("recipients wait to be told", fields)
        }
    }
}
