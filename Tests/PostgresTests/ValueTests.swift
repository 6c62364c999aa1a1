import Foundation
import Postgres
import TestSupport
import Testing

@Suite("Values travel in binary format")
struct ValueTests {
    private static func connected<Value>(
        _ body: (PostgresConnection) async throws -> Value
    ) async throws -> Value {
        try await TestDatabase.with { database in
            let connection = try await PostgresConnection.connect(database.configuration())
            do {
                let value = try await body(connection)
                await connection.close()
                return value
            } catch {
                await connection.close()
                throw error
            }
        }
    }

    @Test("Scalars come back as they went, at their extremes too")
    func scalars() async throws {
        try await Self.connected { connection in
            for value in [Int16.min, -1, 0, 1, .max] {
                let row = try await connection.query("SELECT $1 AS v", [.int16(value)])[0]
                #expect(try row.int16("v") == value)
                #expect(try row.int64(0) == Int64(value))
            }
            for value in [Int32.min, -1, 0, 1, .max] {
                let row = try await connection.query("SELECT $1 AS v", [.int32(value)])[0]
                #expect(try row.int32("v") == value)
            }
            for value in [Int64.min, -1, 0, 1, .max] {
                let row = try await connection.query("SELECT $1 AS v", [.int64(value)])[0]
                #expect(try row.int64("v") == value)
            }
            let doubles = [
                -0.0, 0.1, .pi, .leastNonzeroMagnitude, .greatestFiniteMagnitude, .infinity,
            ]
            for value in doubles {
                let row = try await connection.query("SELECT $1 AS v", [.double(value)])[0]
                #expect(try row.double("v").bitPattern == value.bitPattern)
            }
            let row = try await connection.query("SELECT $1 AS v", [.double(.nan)])[0]
            #expect(try row.double("v").isNaN)
            for value in [true, false] {
                let row = try await connection.query("SELECT $1 AS v", [.bool(value)])[0]
                #expect(try row.bool("v") == value)
            }
            for value in ["", "trytes", "Zähler – 電力 🔌", String(repeating: "x", count: 1 << 20)] {
                let row = try await connection.query("SELECT $1 AS v", [.text(value)])[0]
                #expect(try row.text("v") == value)
            }
            for value in [[], [0], Array(0...255), [UInt8](repeating: 7, count: 3 << 20)] {
                let row = try await connection.query("SELECT $1 AS v", [.bytes(value)])[0]
                #expect(try row.bytes("v") == value)
            }
            let json = try await connection.query(
                "SELECT $1 AS v, $1::json AS j", [.json(#"{"a": [1, null]}"#)])[0]
            #expect(try json.text("v") == #"{"a": [1, null]}"#)
            #expect(try json.text("j") == #"{"a": [1, null]}"#)
        }
    }

    @Test("Times before 2000 and at the ends of timestamptz come back to the microsecond")
    func timestamps() async throws {
        try await Self.connected { connection in
            let texts = [
                "1969-12-31 23:59:59.999999+00": -0.000001,
                "1999-12-31 23:59:59.5+00": 946_684_799.5,
                "2000-01-01 00:00:00+00": 946_684_800,
                "2024-02-29 12:34:56.123456+00": 1_709_210_096.123456,
                "0001-01-01 00:00:00+00": -62_135_596_800,
            ]
            for (text, seconds) in texts {
                let date = Date(timeIntervalSince1970: seconds)
                let row = try await connection.query(
                    "SELECT $1 AS back, $1 = $2::timestamptz AS same",
                    [.timestamp(date), .text(text)])[0]
                #expect(try row.bool("same"), "\(text)")
                let back = try row.timestamp("back")
                #expect(abs(back.timeIntervalSince(date)) < 0.000_001, "\(text)")
            }
            for date in [Date(timeIntervalSince1970: .infinity), Date(timeIntervalSince1970: 1e15)]
            {
                await #expect(throws: PostgresError.self) {
                    try await connection.query("SELECT $1", [.timestamp(date)])
                }
            }
            let row = try await connection.query("SELECT 'infinity'::timestamptz AS v")[0]
            #expect(throws: PostgresError.self) { try row.timestamp("v") }
        }
    }

    @Test("Arrays come back as they went, empty ones and NULL elements too")
    func arrays() async throws {
        try await Self.connected { connection in
            func back(_ value: PostgresValue) async throws -> PostgresRow {
                try await connection.query("SELECT $1 AS v", [value])[0]
            }
            #expect(try await back(.int16Array([])).int16Array("v") == [])
            #expect(
                try await back(.int16Array([.min, nil, .max])).int16Array("v") == [.min, nil, .max])
            #expect(try await back(.int32Array([])).int32Array("v") == [])
            #expect(
                try await back(.int32Array([.min, nil, .max])).int32Array("v") == [.min, nil, .max])
            #expect(try await back(.int64Array([nil])).int64Array("v") == [nil])
            #expect(try await back(.int64Array([.min, .max])).int64Array("v") == [.min, .max])
            #expect(try await back(.doubleArray([0.5, nil])).doubleArray("v") == [0.5, nil])
            #expect(
                try await back(.boolArray([true, nil, false])).boolArray("v") == [true, nil, false])
            #expect(try await back(.textArray(["", nil, "ä"])).textArray("v") == ["", nil, "ä"])
            let blobs: [[UInt8]?] = [[], nil, [0, 255]]
            #expect(try await back(.bytesArray(blobs)).bytesArray("v") == blobs)
            let dates = [Date(timeIntervalSince1970: -5), nil]
            #expect(try await back(.timestampArray(dates)).timestampArray("v") == dates)
            let many = (0..<100_000).map { Int64($0) }
            let rows = try await connection.query(
                "SELECT v FROM unnest($1) AS v", [.int64Array(many)])
            #expect(try rows.map { try $0.int64("v") } == many)
        }
    }

    @Test("NULL is nil to optional accessors and an error to the others")
    func nulls() async throws {
        try await Self.connected { connection in
            let row = try await connection.query(
                "SELECT $1::int AS v, NULL::bytea AS b, 7 AS seven", [.null])[0]
            #expect(try row.optionalInt32("v") == nil)
            #expect(try row.optionalBytes("b") == nil)
            #expect(try row.isNull("v"))
            #expect(try row.optionalInt32("seven") == 7)
            let error = #expect(throws: PostgresError.self) { try row.int32("v") }
            #expect(error?.kind == .decoding)
            #expect(error?.subject == "v")
            #expect(throws: PostgresError.self) { try row.text("seven") }
            #expect(throws: PostgresError.self) { try row.int32("missing") }
            #expect(throws: PostgresError.self) { try row.int32(3) }
            #expect(throws: PostgresError.self) { try row.int32(.index(-1)) }
        }
    }

    @Test("Whatever an array's bytes are, decoding ends in a value or nil")
    func hostileArrays() async throws {
        try await Self.connected { connection in
            let row = try await connection.query(
                "SELECT ARRAY[[1,2],[3,4]] AS v, '{}'::int[] AS e")[0]
            #expect(throws: PostgresError.self) { try row.int32Array("v") }
            #expect(try row.int32Array("e") == [])
            let shifted = try await connection.query("SELECT '[5:6]={1,2}'::int[] AS v")[0]
            #expect(try shifted.int32Array("v") == [1, 2])
        }
    }
}
