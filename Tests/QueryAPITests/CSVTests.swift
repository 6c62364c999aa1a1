import Archive
import ArchiveTestSupport
import Foundation
import HTTPServer
import QueryAPI
import TestSupport
import Testing
import Vault

/// Messages as a table.
@Suite struct CSVTests {
    @Test func everyMessageIsARecordThatSaysWhatItsDocumentSays() async throws {
        try await TestAPI.with { api in
            for name in ["events", "edge-sizes"] {
                let channel = try await api.test.fill(channel: name, clock: api.clock)
                let documents = try await api.pages(of: channel, "").flatMap { $0 }
                #expect(!documents.isEmpty)
                let answer = try await api.get(
                    "/v1/channels/\(channel.text)/messages", accept: "text/csv")
                let table = try Table(answer.body)
                #expect(table.records.count == documents.count)
                for (record, document) in zip(table.records, documents) {
                    let encoded = try JSONDecoder().decode(
                        JSONValue.self, from: JSONEncoder().encode(document))
                    #expect(table.names.count == record.count)
                    for (name, cell) in zip(table.names, record) {
                        let expected =
                            switch encoded[name] {
                            case .text(let text)?: text
                            case .number(let number)?: String(Int64(number))
                            case .bool(let value)?: String(value)
                            default: ""
                            }
                        #expect(cell.replacing("'", with: "") == expected.replacing("'", with: ""))
                    }
                }
            }
        }
    }

    @Test func aTableWithoutMessagesHasItsNames() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "events", clock: api.clock)
            let answer = try await api.get(
                "/v1/channels/\(channel.text)/messages?from=2100-01-01T00:00:00Z",
                accept: "text/csv")
            let table = try Table(answer.body)
            #expect(table.names.contains("text"))
            #expect(table.records.isEmpty)
        }
    }

    /// However a spreadsheet takes the file apart, no cell of it begins a formula.
    @Test(arguments: [
        "=1+1", "+1", "-1", "@SUM(A1)", "|calc", "%0", "\t=1", "\r=1", "\n=1", "  =1", "\u{A0}=1",
        "\u{FEFF}@x", "＝1", "＋1", "a;=1", "a;  -1", "a\n=HYPERLINK(\"x\",\"y\")", "a\t@x",
        "\"=1\"", "\";=1", "a\r\n\r\n=1", "a,=1", "a;\u{FEFF}=1",
    ])
    func nothingInATextBeginsAFormula(text: String) async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(text: text, clock: api.clock)
            let answer = try await api.get(
                "/v1/channels/\(channel.text)/messages", accept: "text/csv")
            let table = try Table(answer.body)
            let cell = try #require(table.records.first)[try #require(table.place(of: "text"))]
            #expect(cell.replacing("'", with: "") == text)
            #expect(!Self.beginsFormula(cell))
            for separator in [";", "\t", "\n", "\r"] as [Unicode.Scalar] {
                let parts = answer.text.unicodeScalars.split(separator: separator)
                for part in parts {
                    let piece = String(String.UnicodeScalarView(part))
                    #expect(!Self.beginsFormula(piece), "\(separator.value): \(piece)")
                }
            }
        }
    }

    private static func beginsFormula(_ text: String) -> Bool {
        let first = text.unicodeScalars.first { !["\u{20}", "\u{A0}", "\u{FEFF}"].contains($0) }
        return first.map { "=+-@|%＝＋－＠".unicodeScalars.contains($0) } ?? false
    }

    @Test(arguments: [
        "plain", "", "with \"quotes\", commas\r\nand lines", "\u{0}\u{1}\u{7f}",
        "<script>alert(1)</script>", "{\"lone\": \"\\ud800\"}", "𝄞 \u{2028}",
        "/ISk5\\2MT382-1000\r\n\r\n1-0:1.8.1(000001.100*kWh)\r\n!0000\r\n",
    ])
    func otherTextsStandInItAsTheyAre(text: String) async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(text: text, clock: api.clock)
            let answer = try await api.get(
                "/v1/channels/\(channel.text)/messages", accept: "text/csv")
            let table = try Table(answer.body)
            let cell = try #require(table.records.first)[try #require(table.place(of: "text"))]
            #expect(Array(cell.utf8) == Array(text.utf8))
        }
    }
}

/// A table, read as RFC 4180 says.
struct Table {
    struct Malformed: Error {}

    let names: [String]
    let records: [[String]]

    func place(of name: String) -> Int? { names.firstIndex(of: name) }

    init(_ bytes: [UInt8]) throws {
        var (rows, row, cell) = ([[String]](), [String](), [UInt8]())
        var isQuoted = false
        var index = 0
        func text(_ cell: [UInt8]) -> String { String(decoding: cell, as: UTF8.self) }
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            switch (byte, isQuoted) {
            case (UInt8(ascii: "\""), true):
                if index < bytes.count, bytes[index] == UInt8(ascii: "\"") {
                    cell.append(byte)
                    index += 1
                } else {
                    isQuoted = false
                }
            case (UInt8(ascii: "\""), false):
                guard cell.isEmpty else { throw Malformed() }
                isQuoted = true
            case (UInt8(ascii: ","), false):
                row.append(text(cell))
                cell = []
            case (UInt8(ascii: "\r"), false):
                guard index < bytes.count, bytes[index] == UInt8(ascii: "\n") else {
                    throw Malformed()
                }
                index += 1
                rows.append(row + [text(cell)])
                (row, cell) = ([], [])
            default: cell.append(byte)
            }
        }
        guard !isQuoted, row.isEmpty, cell.isEmpty, let first = rows.first else {
            throw Malformed()
        }
        names = first
        records = Array(rows.dropFirst())
        guard records.allSatisfy({ $0.count == first.count }) else { throw Malformed() }
    }
}
