import Failures

/// Why a payload is no message of a root.
///
/// A changed trit garbles all that is masked after its block. So a damaged message has no
/// security level more often than a wrong signature, and a damaged signature mostly shows as
/// siblings that are none.
package enum ReadError: Failure, Hashable {
    /// The payload ends before this part does.
    case truncated(PayloadPart)
    /// One of the integers is none.
    case malformed(PayloadPart, PascalInteger.Fault)
    /// The leaf's index is not below 2^`siblingCount`.
    case indexBeyondTree(siblingCount: Int)
    /// The message hash is balanced after none of its thirds.
    case noSecurityLevel
    /// The signature leads to another root.
    case wrongSignature
    /// Nothing is known of the payload: there was no memory to read it in.
    case outOfMemory

    /// Whether another side key could make a message of the same payload. What is wrong
    /// before the masked part starts is wrong under every key.
    package var dependsOnKey: Bool {
        switch self {
        case .truncated(let part), .malformed(let part, _):
            switch part {
            case .index, .length, .nextRoot, .message, .nonce: false
            case .signature, .siblingCount, .siblings: true
            }
        case .indexBeyondTree, .noSecurityLevel, .wrongSignature, .outOfMemory: true
        }
    }

    package var code: String {
        switch self {
        case .truncated: "mam.truncated"
        case .malformed: "mam.malformed"
        case .indexBeyondTree: "mam.index-beyond-tree"
        case .noSecurityLevel: "mam.no-security-level"
        case .wrongSignature: "mam.wrong-signature"
        case .outOfMemory: "mam.out-of-memory"
        }
    }

    package var operation: String { "read payload" }

    package var publicText: String {
        switch self {
        case .truncated(let part): "the payload ends before its \(part.rawValue) does"
        case .malformed(let part, _): "the payload's \(part.rawValue) is not a valid integer"
        case .indexBeyondTree: "the payload's index is beyond its tree"
        case .noSecurityLevel:
            "the message hash has no security level: the payload is not of this root and key"
        case .wrongSignature: "the signature does not lead to the root"
        case .outOfMemory: "there is no memory to read the payload in"
        }
    }

    package var operatorText: String {
        switch self {
        case .malformed(_, let fault): "\(publicText) (\(fault))"
        case .indexBeyondTree(let siblingCount): "\(publicText) of \(siblingCount) siblings"
        case .truncated, .noSecurityLevel, .wrongSignature, .outOfMemory: publicText
        }
    }
}
