import Archive
import HTTPServer
import MAM
import Vault

/// The channels the caller may know of, how each stands, and why.
struct ChannelListPage: Sendable {
    private static let pageSize = 50

    let archive: Archive

    func response(_ call: Call) async throws -> HTTPResponse {
        let query = try RequestQuery(call.request, known: ["after"])
        let after = try query.number("after")
        let records = try await archive.channels(
            after: after, limit: Self.pageSize, within: call.scope)
        let channels = records.map {
            ChannelDocument($0, isAdmin: call.isAdmin, isLimited: call.scope.isLimited(to: $0.id))
        }
        let counts = try await archive.channelCounts(within: call.scope)
        let next = records.count == Self.pageSize ? records.last?.id.text : nil
        let body: HTML = channels.isEmpty && after == nil ? Self.empty(call) : Self.table(channels)
        return Page(
            "Channels", .channels, for: call,
            """
            <div class="head"><h1>Channels</h1>
            \(call.isAdmin ? Self.register : nil)</div>
            \(Self.overview(counts))
            \(body)
            \(next.map { "<p class=\"more\"><a class=\"button\" href=\"/?after=\($0)\">More channels</a></p>" })
            """
        ).response()
    }

    private static let register: HTML =
        "<a class=\"button primary actions\" href=\"/channels/new\">Register…</a>"

    private static func overview(_ counts: [ChannelState: Int]) -> HTML? {
        let all = counts.filter { $0.key != .forgotten }.values.reduce(0, +)
        guard all > 0 else { return nil }
        let shown: [ChannelState] = [
            .following, .waitingForKey, .stalled, .flooded, .paused, .restricted, .forgotten,
        ]
        let tiles = shown.compactMap { state -> HTML? in
            guard let count = counts[state], count > 0 else { return nil }
            return "<li><strong>\(PageWords.count(count))</strong>\(PageWords.badge(state))</li>"
        }
        return """
            <ul class="tiles" aria-label="How the channels stand">
            <li><strong>\(PageWords.count(all))</strong><span>channel\(all == 1 ? "" : "s")</span></li>
            \(tiles)
            </ul>
            """
    }

    private static func table(_ channels: [ChannelDocument]) -> HTML {
        """
        <div class="card flush">
        <table class="list">
        <caption class="aside">Channels, how each stands, and why</caption>
        <thead><tr><th scope="col">Channel</th><th scope="col">State</th>
        <th scope="col" class="number wide">Messages</th><th scope="col" class="number wide">Head</th>
        <th scope="col" class="wide">Last look</th></tr></thead>
        <tbody>\(channels.map(row))</tbody>
        </table>
        </div>
        """
    }

    private static func row(_ channel: ChannelDocument) -> HTML {
        let name: HTML =
            channel.state == .forgotten
            ? "<span class=\"name\">forgotten</span>"
            : "<a class=\"name\" href=\"/channels/\(channel.id)\"><bdi>\(channel.label ?? "without a label")</bdi></a>"
        let why = PageWords.explanation(channel).map { text -> HTML in
            "<span class=\"why\">\(text)</span>"
        }
        let subjects = (channel.subjects ?? []).map { subject -> HTML in
            "<span class=\"chip\"><bdi>\(subject)</bdi></span>"
        }
        let isGone = channel.state == .forgotten
        let count = isGone ? nil : channel.messages.map { PageWords.count($0) }
        let slim = count.map { text -> HTML in "<span class=\"slim\">\(text) messages</span>" }
        return """
            <tr><th scope="row">\(name)<span class="sub"><span class="mono">\(channel.id)</span> \
            \(channel.mode.rawValue) \(subjects)\(slim)</span></th>
            <td>\(PageWords.badge(channel.state))\(why)</td>
            <td class="number wide">\(count ?? "–")</td>
            <td class="number wide">\(isGone ? "–" : channel.headPosition.map { PageWords.count($0) } ?? "–")</td>
            <td class="wide">\(PageWords.time(channel.lastLookAt, otherwise: isGone ? "–" : "not yet"))</td></tr>
            """
    }

    private static func empty(_ call: Call) -> HTML {
        guard call.isAdmin else {
            return """
                <div class="card empty"><h2>No channels yet</h2>
                <p>This token reads what it has grants for, and it has none now. Ask whoever gave it to
                you, or the owner of the data, for leave to read a channel.</p></div>
                """
        }
        return """
            <div class="card empty"><h2>No channels yet</h2>
            <p><a href="/channels/new">Register a channel</a> of which you have the root, and the side key where
            it is restricted; or on the machine itself:</p>
            <pre><code>permanode channel add --mode restricted --root-file root \\
              --side-key-file key --subject s-17 --label "electricity"</code></pre>
            <p>It is crawled at once, and shows up here with its first messages within seconds.</p></div>
            """
    }
}
