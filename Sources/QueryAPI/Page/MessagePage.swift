import Archive
import HTTPServer
import Tangle
import Ternary
import Vault

/// A message, and the evidence for it.
struct MessagePage: Sendable {
    /// Characters of a text that a page shows: it is sent at once.
    private static let textLength = 12 << 10

    let archive: Archive

    @Sendable func response(_ call: Call) async throws -> HTTPResponse {
        guard let sequence = call.parameters["sequence"].flatMap({ Int64($0) }), sequence >= 0
        else { throw RequestError.noSuchMessage }
        let shown = try await ShownChannel(archive, call)
        let (message, attachments) = try await shown.evidence(sequence)
        try await shown.checkStillShown()
        let path = "/channels/\(shown.record.id.text)"
        return Page(
            "Message \(sequence)", .channels, for: call,
            """
            <p class="crumbs"><a href="/">Channels</a> /
            <a href="\(path)"><bdi>\(shown.record.label ?? shown.record.id.text)</bdi></a> /
            <a href="\(path)/messages">Messages</a> /</p>
            <div class="head"><h1>Message \(sequence)</h1>\(MessageListPage.marks(message))</div>
            <div class="columns"><div>
            \(message.text.flatMap(MeterGist.init)?.html)
            \(Self.content(message))
            \(attachments.map { Self.attachment($0) })
            </div><div>
            \(Self.facts(message))
            <section class="card"><h2>Evidence</h2>
            <p>Every transaction as it stood on the ledger. With the channel's root anyone can check the
            signature without this archive.</p>
            <p><a class="button" href="/v1\(path)/messages/\(sequence)/bundle"
            download="bundle-\(shown.record.id.text)-\(sequence).json">Download as JSON</a></p>
            </section></div></div>
            """
        ).response()
    }

    private static func content(_ message: MessageDocument) -> HTML {
        let text = message.text ?? message.trytes?.description ?? ""
        let start = text.prefix(textLength)
        let rest: HTML? =
            start.utf8.count < text.utf8.count
            ? "<p class=\"hint\">The beginning. The whole is in the interface's answer.</p>" : nil
        return """
            <section class="card" aria-labelledby="content">
            <h2 id="content">\(message.text == nil ? "Content, which is no text" : "Content")</h2>
            <pre class="message-text"><bdi>\(String(start))</bdi></pre>\(rest)</section>
            """
    }

    private static func facts(_ message: MessageDocument) -> HTML {
        """
        <section class="card" aria-labelledby="facts"><h2 id="facts">What is known of it</h2>
        <dl class="facts">
        <dt>Claimed time</dt><dd>\(PageWords.time(message.claimedAt, otherwise: "none"))</dd>
        <dt>Taken in</dt><dd>\(PageWords.time(message.firstSeenAt))</dd>
        <dt>Place</dt><dd>tree \(message.position), leaf \(message.leaf)</dd>
        <dt>Signature</dt><dd>verified, security level \(message.securityLevel)</dd>
        <dt>Confirmed</dt><dd>\(message.confirmed ? "yes" : "not seen to be")</dd>
        \(message.milestone.map { milestone -> HTML in "<dt>Milestone</dt><dd>\(milestone)</dd>" })
        <dt>Attachments</dt><dd>\(message.attachments)</dd>
        <dt>Tag</dt><dd class="hash">\(message.tag.description)</dd>
        <dt>Address</dt><dd class="hash">\(message.address.description)</dd>
        <dt>Bundle</dt><dd class="hash">\(message.bundle.description)</dd>
        <dt>Tail</dt><dd class="hash">\(message.tail.description)</dd>
        </dl></section>
        """
    }

    private static func attachment(_ attachment: KeptAttachment) -> HTML {
        let rows = zip(
            TransactionHashing.hashes(of: attachment.transactions), attachment.transactions
        ).map { hash, transaction -> HTML in
            """
            <tr><th scope="row">\(transaction.currentIndex)</th>
            <td class="hash">\(hash.description)</td></tr>
            """
        }
        return """
            <section class="card flush"><h2>Attachment \(attachment.number)</h2>
            <table><thead><tr><th scope="col">Index</th><th scope="col">Transaction, by its hash</th></tr>
            </thead><tbody>\(rows)</tbody></table></section>
            """
    }
}
