import Foundation

/// Makes a typed value, or one of the errors that matter, out of what a node answered.
enum AnswerReading {
    /// Characters of a node's own words that are kept.
    private static let maximumTextLength = 200

    /// Longer answers are not looked through for a complaint: they would be parsed twice.
    private static let maximumComplaintBytes = 64 * 1024

    private struct Complaint: Decodable {
        let error: String?
        let exception: String?
    }

    /// - Throws: the kind of `NodeError` that says what is wrong with `answer`.
    static func read<Answer: Decodable>(
        _ type: Answer.Type, from answer: PostAnswer, limit: Int
    ) throws(NodeError.Kind) -> Answer {
        guard answer.status < 300 || answer.status > 399 else {
            throw .redirected(status: answer.status)
        }
        let data = Data(answer.body)
        if data.count <= maximumComplaintBytes,
            let complaint = try? JSONDecoder().decode(Complaint.self, from: data)
        {
            if let text = complaint.exception {
                throw .exception(status: answer.status, text: printable(text))
            }
            if let text = complaint.error {
                throw answer.status == 401
                    ? .commandNotAvailable(printable(text))
                    : .apiError(status: answer.status, text: printable(text))
            }
        }
        guard answer.status == 200 else { throw .http(status: answer.status) }
        guard !answer.isCut else { throw .tooLarge(limit: limit) }
        do {
            return try JSONDecoder().decode(type, from: data)
        } catch let error as DecodingError {
            throw kind(of: error, in: answer.body)
        } catch {
            throw .unexpectedAnswer("a value of a wrong kind")
        }
    }

    private static func kind(of error: DecodingError, in body: [UInt8]) -> NodeError.Kind {
        switch error {
        case .dataCorrupted(let context) where context.codingPath.isEmpty: break
        case .keyNotFound(let key, _): return .unexpectedAnswer("no \(printable(key.stringValue))")
        default: return .unexpectedAnswer("a value of a wrong kind")
        }
        return isBeginningOfObject(body) ? .truncated : .notJSON
    }

    /// Whether `body` begins as an object and ends before that is closed.
    private static func isBeginningOfObject(_ body: [UInt8]) -> Bool {
        let start = body.drop { [0x20, 0x09, 0x0A, 0x0D].contains($0) }
        guard let first = start.first else { return true }
        guard first == UInt8(ascii: "{") else { return false }
        var depth = 0
        var isInString = false
        var isEscaped = false
        for byte in start {
            if isEscaped {
                isEscaped = false
            } else if isInString {
                isEscaped = byte == UInt8(ascii: "\\")
                isInString = byte != UInt8(ascii: "\"")
            } else {
                switch byte {
                case UInt8(ascii: "\""): isInString = true
                case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
                case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
                default: break
                }
                if depth == 0 { return false }
            }
        }
        return true
    }

    /// A list that was cut, closed behind its last whole element: `{"hashes":["A","B","C` gives
    /// `{"hashes":["A"]}`.
    static func closingCutList(_ body: [UInt8]) -> [UInt8]? {
        guard let comma = body.lastIndex(of: UInt8(ascii: ",")) else { return nil }
        return Array(body[..<comma]) + Array("]}".utf8)
    }

    /// A node's words, fit for a log line.
    private static func printable(_ text: String) -> String {
        let scalars = text.unicodeScalars.prefix(maximumTextLength).map { scalar in
            scalar.value >= 0x20 && scalar.value < 0x7F && scalar != "\"" ? scalar : "?"
        }
        return String(String.UnicodeScalarView(scalars))
    }
}
