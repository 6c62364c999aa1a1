import Failures

/// Why there is no key, ciphertext or plaintext.
package enum NTRUError: Failure, Hashable {
    /// What bytes are to be.
    package enum Part: String, Sendable {
        case publicKey = "public key"
        case privateKey = "private key"
        case ciphertext
        case plaintext
        case seed
    }

    case wrongLength(Part, expected: Int, actual: Int)
    case tooLong(Part, limit: Int, actual: Int)
    case tooShort(Part, needed: Int, actual: Int)
    /// It begins as nothing of this parameter set does.
    case wrongHeader(Part)
    /// A private key has an index beyond the degree, or one twice.
    case wrongIndex
    /// Trytes that stand for no base64, or for another one than its bytes have.
    case notBase64(Part)
    /// f has no inverse: about 1 seed in 2^370.
    case notInvertible
    /// The random source gives nothing that can be used.
    case randomExhausted
    /// The ciphertext is not for this key, or was changed. Nothing tells which.
    case undecryptable

    package var code: String {
        switch self {
        case .wrongLength: "ntru.wrong-length"
        case .tooLong: "ntru.too-long"
        case .tooShort: "ntru.too-short"
        case .wrongHeader: "ntru.wrong-header"
        case .wrongIndex: "ntru.wrong-index"
        case .notBase64: "ntru.not-base64"
        case .notInvertible: "ntru.not-invertible"
        case .randomExhausted: "ntru.random-exhausted"
        case .undecryptable: "ntru.undecryptable"
        }
    }

    package var operation: String { "use NTRU keys" }

    package var publicText: String {
        switch self {
        case .wrongLength(let part, let expected, let actual):
            "a \(part.rawValue) has a length of \(expected), this one \(actual)"
        case .tooLong(let part, let limit, let actual):
            "a \(part.rawValue) has a length of at most \(limit), this one \(actual)"
        case .tooShort(let part, let needed, let actual):
            "a \(part.rawValue) has a length of at least \(needed), this one \(actual)"
        case .wrongHeader(let part): "this is no \(part.rawValue) of EES743EP1"
        case .wrongIndex: "the private key's indexes are none"
        case .notBase64(let part): "the trytes of the \(part.rawValue) stand for no base64"
        case .notInvertible: "no keys can be made from this seed"
        case .randomExhausted: "the random source gives nothing that can be used"
        case .undecryptable: "the ciphertext is not for this key, or it was changed"
        }
    }
}
