import Archive
import Erasure
import Foundation

/// What a forget would erase, in counts.
enum ForgetPlanTable {
    private static let names: [(table: String, words: String)] = [
        ("message", "messages"), ("attachment", "attachments of them on the ledger"),
        ("candidate", "bundles that wait for a key"), ("tree", "trees of the chains"),
        ("side_key", "side keys"), ("recipient", "notes of who read them"),
        ("access_grant", "grants to readers"), ("consent_event", "consent events"),
    ]

    static func html(_ plan: ForgetPlan, shared: SharedChannels) -> HTML {
        let counts = names.compactMap { name -> HTML? in
            guard let count = plan.rows[name.table], count > 0 else { return nil }
            return "<dt>\(name.words)</dt><dd class=\"number\">\(PageWords.count(count))</dd>"
        }
        let others = plan.rows.filter { row in !names.contains { $0.table == row.key } }
            .values.reduce(0, +)
        let rest: HTML? =
            others == 0
            ? nil : "<dt>other rows</dt><dd class=\"number\">\(PageWords.count(others))</dd>"
        return """
            <section class="card" aria-labelledby="plan"><h2 id="plan">What goes</h2>
            <dl class="counts"><dt>channels</dt><dd class="number">\(PageWords.count(plan.channels))</dd>
            \(counts)\(rest)</dl>
            \(plan.shared.isEmpty ? nil : sharing(plan.shared, shared))
            <p class="hint">As of now. Their keys are destroyed first, so that no backup of the database can be
            read either; then the rows are deleted.</p></section>
            """
    }

    /// Channels that are the data of others, too.
    private static func sharing(_ channels: [String], _ shared: SharedChannels) -> HTML {
        let list = channels.map { channel -> HTML in "<span class=\"chip mono\">\(channel)</span> "
        }
        let end: HTML =
            switch shared {
            case .refuse: "Nothing is erased unless you say what becomes of them."
            case .forget: "They go for all of those people."
            case .leave: "They stay, as the others' alone."
            }
        return "<p class=\"alert warn\">The data of others, too: \(list)\(end)</p>"
    }
}

/// What a forget did, as its receipt says it.
enum ReceiptCard {
    static func html(_ receipt: Receipt, _ request: String) -> HTML {
        func time(_ date: Date?, _ otherwise: String) -> HTML {
            PageWords.time(date.map(Timestamp.init), otherwise: otherwise)
        }
        let rows = receipt.rows.values.reduce(0, +)
        let exceptions = receipt.notCovered.map { text -> HTML in "<li>\(text)</li>" }
        return """
            <section class="card" aria-labelledby="receipt"><h2 id="receipt">Receipt</h2>
            <dl class="facts">
            <dt>Keys destroyed</dt><dd>\(time(receipt.shreddedAt, "–"))</dd>
            <dt>Rows deleted</dt><dd>\(PageWords.count(rows)), of them \(PageWords.count(receipt.rows["message"] ?? 0, "message")); \
            \(time(receipt.deletedAt, "–"))</dd>
            <dt>Looked again</dt><dd>\(PageWords.count(receipt.remaining, "row")) found;
            \(receipt.proof.derivationsSucceeded) of \(receipt.proof.derivationsTried) destroyed keys worked</dd>
            <dt>Never taken again</dt><dd>\(PageWords.count(receipt.tombstones, "root, leaf or bundle", "roots, leaves and bundles"))</dd>
            <dt>Cleared from disk</dt><dd>\(time(receipt.vacuumedAt, "not yet"))</dd>
            <dt>Backups</dt><dd>\(backups(receipt))</dd>
            <dt>Readers told</dt><dd>\(PageWords.count(receipt.told.count))</dd>
            <dt>Final</dt><dd>\(receipt.final ? "yes" : "not yet: something is still to be added")</dd>
            </dl>
            <p class="pages"><a class="button primary" href="/requests/\(request)/receipt" download>Download, signed</a></p>
            <details><summary>What it does not cover</summary><ul>\(exceptions)</ul></details>
            <p class="hint">Anyone can check it: <code>permanode receipt verify</code>, with the key at
            <a href="/v1/receipt-key">/v1/receipt-key</a>, which is to be had from elsewhere, too.</p>
            </section>
            """
    }

    private static func backups(_ receipt: Receipt) -> HTML {
        guard let until = receipt.backups.heldUntil else {
            return "unreadable without the keys; when they expire is not configured"
        }
        return "unreadable without the keys, and gone by \(PageWords.time(Timestamp(until)))"
    }
}
