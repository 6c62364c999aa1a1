import Foundation

/// Parameters in PostgreSQL's binary format, end to end in one buffer.
struct BinaryParameters {
    /// Most parameters of a statement: the protocol counts them in 16 bits.
    static let maximumCount = 65_535
    /// Most bytes of all parameters together; the server takes no message over 1 GiB and holds
    /// it several times over.
    static let maximumBytes = 256 << 20

    private(set) var types: [UInt32] = []
    private(set) var lengths: [Int32] = []
    private var offsets: [Int?] = []
    private var buffer: [UInt8] = []

    init(_ values: [PostgresValue]) throws(PostgresError) {
        guard values.count <= Self.maximumCount else {
            throw Self.refusal("\(values.count) parameters, at most \(Self.maximumCount)")
        }
        types.reserveCapacity(values.count)
        for (index, value) in values.enumerated() {
            let start = buffer.count
            guard append(value) else { throw Self.refusal("parameter \(index + 1)") }
            guard buffer.count <= Self.maximumBytes else {
                throw Self.refusal("parameters of more than \(Self.maximumBytes) bytes")
            }
            offsets.append(value == .null ? nil : start)
            lengths.append(Int32(buffer.count - start))
        }
        buffer.append(0)  // so that an empty last parameter has an address too
    }

    /// Calls with what `PQsendQueryPrepared` takes.
    func withPointers<Result>(
        _ body: (
            _ values: [UnsafePointer<CChar>?], _ lengths: [Int32], _ formats: [Int32]
        ) -> Result
    ) -> Result {
        buffer.withUnsafeBytes { bytes in
            let base = bytes.assumingMemoryBound(to: CChar.self).baseAddress
            let values = offsets.map { offset in offset.flatMap { base?.advanced(by: $0) } }
            return body(values, lengths, [Int32](repeating: 1, count: values.count))
        }
    }

    private static func refusal(_ what: String) -> PostgresError {
        PostgresError(.invalidValue, operation: "encode parameters", detail: what)
    }

    /// False for a value that its type does not hold.
    private mutating func append(_ value: PostgresValue) -> Bool {
        switch value {
        case .null: types.append(0)
        case .bool(let value): scalar(TypeOID.bool) { $0.put(value) }
        case .int16(let value): scalar(TypeOID.int2) { $0.put(integer: value) }
        case .int32(let value): scalar(TypeOID.int4) { $0.put(integer: value) }
        case .int64(let value): scalar(TypeOID.int8) { $0.put(integer: value) }
        case .double(let value):
            scalar(TypeOID.float8) { $0.put(integer: value.bitPattern) }
        case .text(let value): scalar(TypeOID.text) { $0.buffer += value.utf8 }
        case .bytes(let value): scalar(TypeOID.bytea) { $0.buffer += value }
        case .json(let value):
            scalar(TypeOID.jsonb) {
                $0.buffer.append(1)  // jsonb's version
                $0.buffer += value.utf8
            }
        case .timestamp(let date):
            guard let microseconds = PostgresEpoch.microseconds(date) else { return false }
            scalar(TypeOID.timestamptz) { $0.put(integer: microseconds) }
        case .boolArray(let values):
            return array(values, TypeOID.boolArray, of: TypeOID.bool) { $0.put($1) }
        case .int16Array(let values):
            return array(values, TypeOID.int2Array, of: TypeOID.int2) { $0.put(integer: $1) }
        case .int32Array(let values):
            return array(values, TypeOID.int4Array, of: TypeOID.int4) { $0.put(integer: $1) }
        case .int64Array(let values):
            return array(values, TypeOID.int8Array, of: TypeOID.int8) { $0.put(integer: $1) }
        case .doubleArray(let values):
            return array(values, TypeOID.float8Array, of: TypeOID.float8) {
                $0.put(integer: $1.bitPattern)
            }
        case .textArray(let values):
            return array(values, TypeOID.textArray, of: TypeOID.text) { $0.buffer += $1.utf8 }
        case .bytesArray(let values):
            return array(values, TypeOID.byteaArray, of: TypeOID.bytea) { $0.buffer += $1 }
        case .timestampArray(let dates):
            let values = dates.map { $0.flatMap(PostgresEpoch.microseconds) }
            guard values.count(where: { $0 == nil }) == dates.count(where: { $0 == nil }) else {
                return false
            }
            return array(values, TypeOID.timestamptzArray, of: TypeOID.timestamptz) {
                $0.put(integer: $1)
            }
        }
        return true
    }

    private mutating func scalar(_ type: UInt32, _ write: (inout Self) -> Void) {
        types.append(type)
        write(&self)
    }

    /// Layout of `array_send`: dimensions, whether there are NULLs, element type, then count
    /// and lower bound of the one dimension, then each element with its length (-1: NULL).
    private mutating func array<Element>(
        _ elements: [Element?], _ type: UInt32, of elementType: UInt32,
        _ write: (inout Self, Element) -> Void
    ) -> Bool {
        types.append(type)
        guard elements.count <= Self.maximumBytes / 4 else { return false }
        put(integer: Int32(elements.isEmpty ? 0 : 1))
        put(integer: Int32(elements.contains { $0 == nil } ? 1 : 0))
        put(integer: elementType)
        guard !elements.isEmpty else { return true }
        put(integer: Int32(elements.count))
        put(integer: Int32(1))
        for element in elements {
            guard let element else {
                put(integer: Int32(-1))
                continue
            }
            let lengthAt = buffer.count
            put(integer: Int32(0))
            write(&self, element)
            guard buffer.count <= Self.maximumBytes else { return false }
            let length = UInt32(buffer.count - lengthAt - 4)
            for place in 0..<4 {
                buffer[lengthAt + place] = UInt8(truncatingIfNeeded: length >> (24 - 8 * place))
            }
        }
        return true
    }

    private mutating func put(_ flag: Bool) { buffer.append(flag ? 1 : 0) }

    private mutating func put(integer: some FixedWidthInteger) {
        withUnsafeBytes(of: integer.bigEndian) { buffer.append(contentsOf: $0) }
    }
}
