import Foundation
import HTTPServer
import Vault

/// A form as a browser sends it (`application/x-www-form-urlencoded`), each field given once.
struct FormBody {
    private let fields: HTTPQuery

    /// - Throws: `RequestError` for a body that is too large or no form, and for a field that is
    ///   not known or is given twice.
    init(_ request: HTTPRequest, known: [String]) throws(RequestError) {
        guard request.body.count <= RequestBody.limit else {
            throw .bodyTooLarge(limit: RequestBody.limit)
        }
        let type = request.headers["Content-Type"]?.prefix { $0 != ";" }
            .trimmingCharacters(in: .whitespaces).lowercased()
        guard type == nil || type == "application/x-www-form-urlencoded" else {
            throw .notAForm
        }
        // A query and such a form are written alike.
        guard let text = String(validating: request.body, as: UTF8.self),
            let target = try? RequestTarget(
                "/?" + text, maximumQueryItems: HTTPRequest.defaultQueryItems)
        else { throw .notAForm }
        fields = target.query
        guard fields.allSatisfy({ known.contains($0.name) }) else {
            throw .unknownField(known: known)
        }
        for name in known where fields.values(name).count > 1 {
            throw .field(name, wanted: "given once")
        }
    }

    /// Without spaces around it; nil where it is absent or empty.
    func text(_ name: String) -> String? {
        let text = fields[name]?.trimmingCharacters(in: .whitespaces) ?? ""
        return text.isEmpty ? nil : text
    }

    /// The number in a field that names a channel, a person or a token; nil where it is empty.
    func number(_ name: String) throws(RequestError) -> ChannelNumber? {
        guard let text = text(name) else { return nil }
        guard let number = ChannelNumber(text: text) else {
            throw .field(name, wanted: "an id of 10 characters")
        }
        return number
    }

    /// The midnight, in UTC, with which a day begins; nil where the field is empty.
    func day(_ name: String) throws(RequestError) -> Date? {
        guard let text = text(name) else { return nil }
        guard text.utf8.count == 10, let time = Timestamp(text: text + "T00:00:00Z") else {
            throw .field(name, wanted: "a day such as 2021-03-14")
        }
        return time.date
    }

    /// Trees from the registered root; nil where the field is empty.
    func position(_ name: String) throws(RequestError) -> Int64? {
        guard let text = text(name) else { return nil }
        guard text.utf8.count <= 16, let position = Int64(text) else {
            throw .field(name, wanted: "a number of at most 15 digits")
        }
        return position
    }

    func requiredText(_ name: String) throws(RequestError) -> String {
        guard let text = text(name) else { throw .fieldMissing(name) }
        return text
    }
}
