import Archive
import HTTPServer
import Vault

/// The people whose data is held, for admins; and who read what of one of them.
struct PeoplePages: Sendable {
    private static let pageSize = 100

    let archive: Archive

    var routes: [Route] {
        [
            Route("GET", "/people", .admin, errors: .page, list),
            Route("GET", "/people/{id}", .admin, errors: .page, show),
        ]
    }

    @Sendable private func list(_ call: Call) async throws -> HTTPResponse {
        let query = try RequestQuery(call.request, known: ["after"])
        let people = try await archive.subjects(after: query.number("after"), limit: Self.pageSize)
        let rows = people.map { person -> HTML in
            """
            <tr><th scope="row"><a class="name" href="/people/\(person.number.text)">\
            <bdi>\(person.pseudonym)</bdi></a></th>
            <td class="mono wide">\(person.number.text)</td>
            <td>\(PageWords.time(Timestamp(person.createdAt)))</td></tr>
            """
        }
        let next = people.count == Self.pageSize ? people.last?.number.text : nil
        let body: HTML =
            people.isEmpty
            ? """
            <div class="card empty"><h2>Nobody's data is held</h2>
            <p>A channel is a person's when it is registered with a pseudonym:
            <code>permanode channel add --subject s-17</code>, or later with <code>channel set</code>.</p></div>
            """
            : """
            <div class="card flush"><table class="list"><caption class="aside">People by their pseudonyms</caption>
            <thead><tr><th scope="col">Pseudonym</th><th scope="col" class="wide">Number</th>
            <th scope="col">Since</th></tr></thead><tbody>\(rows)</tbody></table></div>
            """
        return Page(
            "People", .people, for: call,
            """
            <div class="head"><h1>People</h1></div>
            <p class="sub-line">By the pseudonyms that the operator gave them. Names are not held here.</p>
            \(body)
            \(next.map { after -> HTML in "<p class=\"more\"><a class=\"button\" href=\"/people?after=\(after)\">More people</a></p>" })
            """
        ).response()
    }

    @Sendable private func show(_ call: Call) async throws -> HTTPResponse {
        guard let person = call.namedNumber else { throw ArchiveError.noSuchSubject }
        let log = try await AccessLogTable(
            archive, call, of: person, path: "/people/\(person.text)")
        let pseudonym = try await archive.pseudonym(of: person)
        return Page(
            pseudonym, .people, for: call,
            """
            <p class="crumbs"><a href="/people">People</a> /</p>
            <div class="head"><h1><bdi>\(pseudonym)</bdi></h1>
            <div class="actions pages"><a class="button" href="/tokens/new?person=\(person.text)">Make a token…</a>
            <a class="button" href="/holds?person=\(person.text)">Legal hold…</a>
            <a class="button danger" href="/requests/new?person=\(person.text)">Forget…</a></div></div>
            <p class="sub-line">Person <span class="mono">\(person.text)</span></p>
            \(log.html)
            """
        ).response()
    }
}
