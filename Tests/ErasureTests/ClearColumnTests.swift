import ArchiveTestSupport
import Foundation
import Postgres
import TestSupport
import Testing

/// What stands in the clear is what `Ops/erasure.md` says: a column that is added to the schema has to
/// be sealed, or written down there with its reason.
@Suite struct ClearColumnTests {
    /// Numbers that name channels, people, tokens, requests and writers.
    private static let naming: Set = [
        "about", "actor", "approved_by", "channel", "checked_by", "consent_of", "granted_by", "id",
        "leaf", "reader", "request", "requester", "set_by", "subject", "target", "token", "writer",
    ]

    /// What the document's table says: columns by table, `*` for all of them.
    private static func documented() throws -> [String: Set<String>] {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Ops/erasure.md")
        let lines = try String(contentsOf: file, encoding: .utf8).split(
            separator: "\n", omittingEmptySubsequences: false)
        let start = try #require(lines.firstIndex { $0.hasPrefix("| clear columns |") })
        var columns: [String: Set<String>] = [:]
        for line in lines[start...].prefix(while: { $0.hasPrefix("|") }) {
            for part in line.split(separator: "|")[0].split(separator: ";") {
                let halves = part.split(separator: ":", maxSplits: 1)
                let named = halves.count == 2 ? quoted(halves[1]) : []
                for table in quoted(halves[0]) {
                    columns[table, default: []].formUnion(named.isEmpty ? ["*"] : named)
                }
            }
        }
        return columns
    }

    private static func quoted(_ text: Substring) -> [String] {
        text.matches(of: /`([a-z_]+)`/).map { String($0.output.1) }
    }

    @Test func everyClearColumnIsInTheDocument() async throws {
        let documented = try Self.documented()
        #expect(documented.count > 20)
        try await TestArchive.with { test in
            let rows = try await test.pool.withConnection {
                try await $0.query(
                    """
                    select table_name as of, column_name as name from information_schema.columns
                    where table_schema = 'public'
                        and data_type not in ('bytea', 'timestamp with time zone')
                    """)
            }
            var places: [(of: String, name: String)] = []
            for row in rows { places.append((try row.text("of"), try row.text("name"))) }
            #expect(places.count > 80)
            for place in places where !Self.naming.contains(place.name) {
                let told = documented[place.of] ?? []
                #expect(
                    told.contains("*") || told.contains(place.name), "\(place.of).\(place.name)")
            }
        }
    }
}
