import Archive
import Foundation
import HTTPServer
import MAM
import Ternary
import Vault

/// A body that is one JSON object of texts, lists of texts, whole numbers and flags: all that the
/// interface takes.
struct RequestBody {
    /// Bytes: every field at its longest, escaped throughout, stays below.
    static let limit = 48 << 10

    private enum Field: Decodable {
        case text(String)
        case texts([String])
        case integer(Int64)
        case flag(Bool)
        case null
        case other

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if container.decodeNil() {
                self = .null
            } else if let text = try? container.decode(String.self) {
                self = .text(text)
            } else if let texts = try? container.decode([String].self) {
                self = .texts(texts)
            } else if let number = try? container.decode(Int64.self) {
                self = .integer(number)
            } else if let flag = try? container.decode(Bool.self) {
                self = .flag(flag)
            } else {
                self = .other
            }
        }
    }

    private let fields: [String: Field]

    /// - Parameter known: The fields the body may have.
    /// - Throws: `RequestError` for a body that is too large or no object, and for a field
    ///   that is not known.
    init(_ request: HTTPRequest, known: [String]) throws(RequestError) {
        guard request.body.count <= Self.limit else { throw .bodyTooLarge(limit: Self.limit) }
        if let type = request.headers["Content-Type"] {
            let essence = type.prefix { $0 != ";" }.trimmingCharacters(in: .whitespaces)
            guard essence.lowercased() == "application/json" else { throw .wrongContentType }
        }
        guard
            let fields = try? JSONDecoder().decode(
                [String: Field].self, from: Data(request.body))
        else { throw .notJSON }
        guard fields.keys.allSatisfy(known.contains) else { throw .unknownField(known: known) }
        self.fields = fields
    }

    /// Nil where the field is absent or null.
    func text(_ name: String) throws(RequestError) -> String? {
        switch fields[name] {
        case nil, .null: nil
        case .text(let text): text
        case .texts, .integer, .flag, .other: throw .field(name, wanted: "a text")
        }
    }

    /// None where the field is absent or null.
    func texts(_ name: String) throws(RequestError) -> [String] {
        switch fields[name] {
        case nil, .null: []
        case .texts(let texts): texts
        case .text, .integer, .flag, .other: throw .field(name, wanted: "a list of texts")
        }
    }

    /// Nil where the field is absent or null.
    func integer(_ name: String) throws(RequestError) -> Int64? {
        switch fields[name] {
        case nil, .null: nil
        case .integer(let number): number
        case .text, .texts, .flag, .other: throw .field(name, wanted: "a whole number")
        }
    }

    /// False where the field is absent or null.
    func flag(_ name: String) throws(RequestError) -> Bool {
        switch fields[name] {
        case nil, .null: false
        case .flag(let flag): flag
        case .text, .texts, .integer, .other: throw .field(name, wanted: "true or false")
        }
    }

    /// An IOTA address; nil where the field is absent or null.
    func address(_ name: String) throws(RequestError) -> Hash? {
        guard let text = try text(name) else { return nil }
        guard let address = IOTAAddress.hash(text) else {
            throw .field(name, wanted: "an address of 81 trytes, or of 90 with its checksum")
        }
        return address
    }

    /// Nil where the field is absent or null.
    func time(_ name: String) throws(RequestError) -> Date? {
        guard let text = try text(name) else { return nil }
        guard let time = Timestamp(text: text) else {
            throw .field(name, wanted: "a time of RFC 3339 such as 2021-03-14T15:09:26Z")
        }
        return time.date
    }

    /// The number in a field that names a channel or a token.
    func number(_ name: String) throws(RequestError) -> ChannelNumber {
        guard let number = ChannelNumber(text: try requiredText(name)) else {
            throw .field(name, wanted: "an id of 10 characters")
        }
        return number
    }

    /// The field `root`.
    func root() throws(RequestError) -> Root {
        let text = try requiredText("root")
        do {
            return try Root(text)
        } catch {
            throw .field("root", wanted: "81 trytes (9 and A to Z)")
        }
    }

    func requiredText(_ name: String) throws(RequestError) -> String {
        guard let text = try text(name) else { throw .fieldMissing(name) }
        return text
    }
}
