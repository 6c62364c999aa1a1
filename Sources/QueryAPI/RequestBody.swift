import Foundation
import HTTPServer
import MAM

/// A body that is one JSON object of texts and lists of texts: all that the interface takes.
struct RequestBody {
    /// Bytes: every field at its longest, escaped throughout, stays below.
    static let limit = 48 << 10

    private enum Field: Decodable {
        case text(String)
        case texts([String])
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
        case .texts, .other: throw .field(name, wanted: "a text")
        }
    }

    /// None where the field is absent or null.
    func texts(_ name: String) throws(RequestError) -> [String] {
        switch fields[name] {
        case nil, .null: []
        case .texts(let texts): texts
        case .text, .other: throw .field(name, wanted: "a list of texts")
        }
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
