import Foundation

/// A value as the server sends it in binary format: the type's OID and the bytes of its
/// `…send` function. Whatever the bytes are, decoding gives a value or nil.
struct BinaryValue {
    let type: UInt32
    let bytes: ArraySlice<UInt8>

    /// A big-endian integer that takes up all bytes.
    func integer<Value: FixedWidthInteger>(as type: Value.Type) -> Value? {
        guard bytes.count == Value.bitWidth / 8 else { return nil }
        return bytes.reduce(into: Value(0)) { $0 = $0 << 8 | Value(truncatingIfNeeded: $1) }
    }

    /// Reads what `array_send` writes (see `BinaryParameters`), of at most one dimension.
    func elements<Element>(_ decode: (BinaryValue) -> Element?) -> [Element?]? {
        var rest = bytes
        func take(_ count: Int) -> ArraySlice<UInt8>? {
            guard count >= 0, count <= rest.count else { return nil }
            defer { rest = rest.dropFirst(count) }
            return rest.prefix(count)
        }
        func number() -> Int32? {
            take(4).flatMap { BinaryValue(type: 0, bytes: $0).integer(as: Int32.self) }
        }
        guard let dimensions = number(), number() != nil, let elementType = number() else {
            return nil
        }
        if dimensions == 0 { return rest.isEmpty ? [] : nil }
        // Each element takes its length's 4 bytes at least: this bounds the count.
        guard dimensions == 1, let count = number(), number() != nil, count >= 0,
            Int(count) <= rest.count / 4
        else { return nil }
        var elements: [Element?] = []
        elements.reserveCapacity(Int(count))
        for _ in 0..<count {
            guard let length = number() else { return nil }
            if length == -1 {
                elements.append(nil)
                continue
            }
            guard let slice = take(Int(length)),
                let element = decode(
                    BinaryValue(type: UInt32(bitPattern: elementType), bytes: slice))
            else { return nil }
            elements.append(element)
        }
        return rest.isEmpty ? elements : nil
    }
}

extension Bool {
    init?(binary value: BinaryValue) {
        guard value.type == TypeOID.bool, value.bytes.count == 1 else { return nil }
        self = value.bytes.first != 0
    }
}

extension Int16 {
    init?(binary value: BinaryValue) {
        guard value.type == TypeOID.int2, let number = value.integer(as: Int16.self) else {
            return nil
        }
        self = number
    }
}

extension Int32 {
    init?(binary value: BinaryValue) {
        if let narrow = Int16(binary: value) {
            self.init(narrow)
        } else {
            guard value.type == TypeOID.int4, let number = value.integer(as: Int32.self) else {
                return nil
            }
            self = number
        }
    }
}

extension Int64 {
    init?(binary value: BinaryValue) {
        switch value.type {
        case TypeOID.int8:
            guard let number = value.integer(as: Int64.self) else { return nil }
            self = number
        case TypeOID.oid:
            guard let number = value.integer(as: UInt32.self) else { return nil }
            self.init(number)
        default:
            guard let narrow = Int32(binary: value) else { return nil }
            self.init(narrow)
        }
    }
}

extension Double {
    init?(binary value: BinaryValue) {
        switch value.type {
        case TypeOID.float8:
            guard let bits = value.integer(as: UInt64.self) else { return nil }
            self.init(bitPattern: bits)
        case TypeOID.float4:
            guard let bits = value.integer(as: UInt32.self) else { return nil }
            self.init(Float(bitPattern: bits))
        default: return nil
        }
    }
}

extension String {
    init?(binary value: BinaryValue) {
        switch value.type {
        case TypeOID.text, TypeOID.varchar, TypeOID.bpchar, TypeOID.name, TypeOID.json:
            self.init(validating: value.bytes, as: UTF8.self)
        case TypeOID.jsonb:
            guard value.bytes.first == 1 else { return nil }  // its version
            self.init(validating: value.bytes.dropFirst(), as: UTF8.self)
        default: return nil
        }
    }
}

extension [UInt8] {
    init?(binary value: BinaryValue) {
        guard value.type == TypeOID.bytea else { return nil }
        self.init(value.bytes)
    }
}

extension Date {
    init?(binary value: BinaryValue) {
        guard value.type == TypeOID.timestamptz, let microseconds = value.integer(as: Int64.self),
            let date = PostgresEpoch.date(microseconds)
        else { return nil }
        self = date
    }
}
