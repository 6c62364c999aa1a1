import Archive
import Failures
import Foundation
import Secrets
import Vault

/// A receipt with its signature, as it is handed out and kept.
///
/// The payload is the receipt's JSON in base64url, and the signature is over exactly those
/// decoded bytes, so that nothing has to be written anew in the same way to check it.
package struct SignedReceipt: Sendable, Codable, Equatable {
    /// Bytes of a document that is read: far beyond what a receipt of thousands of channels has.
    package static let byteLimit = 16 << 20

    /// `Ed25519` (RFC 8032).
    package var algorithm: String
    /// The public key, 64 hexadecimal digits. Compare it with the published one: a forger
    /// would put his own here.
    package var key: String
    package var payload: String
    package var signature: String

    private static let algorithm = "Ed25519"

    package init(_ receipt: Receipt, key: SigningKey) throws {
        let bytes = try receipt.canonical
        algorithm = Self.algorithm
        self.key = Hex.encode(key.publicKey)
        payload = Base64URL.encode(bytes)
        signature = Base64URL.encode(key.sign(bytes))
    }

    /// The key with which a vault's receipts are checked, 64 hexadecimal digits.
    package static func publicKey(of vault: Vault) -> String {
        Hex.encode(vault.signingKey.publicKey)
    }

    /// Of the document alone, or of an object that has it as `signed`: what
    /// `permanode forget --json` prints and what the interface answers.
    package init(text: [UInt8]) throws(ReceiptError) {
        struct Wrapped: Decodable {
            let signed: SignedReceipt
        }
        guard text.count <= Self.byteLimit else { throw .notAReceipt }
        let decoder = JSONDecoder()
        let data = Data(text)
        guard
            let document = (try? decoder.decode(SignedReceipt.self, from: data))
                ?? (try? decoder.decode(Wrapped.self, from: data))?.signed
        else { throw .notAReceipt }
        self = document
    }

    package var text: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return String(decoding: try encoder.encode(self), as: UTF8.self)
        }
    }

    /// What it says, unchecked: for who has it from his own archive.
    package func receipt() throws(ReceiptError) -> Receipt {
        guard let bytes = try? Base64URL.decode(payload),
            let receipt = try? Receipt(canonical: bytes)
        else { throw .notAReceipt }
        return receipt
    }

    /// - Parameter published: 64 hexadecimal digits.
    package func verified(by published: String) throws(ReceiptError) -> Receipt {
        guard let key = try? Hex.decode(published) else { throw .wrongSignature }
        return try verified(by: key)
    }

    /// What it says, if it was signed with the published key.
    ///
    /// - Parameter published: The public key, from elsewhere than this document.
    /// - Throws: `ReceiptError`.
    package func verified(by published: [UInt8]) throws(ReceiptError) -> Receipt {
        guard algorithm == Self.algorithm, let bytes = try? Base64URL.decode(payload),
            let signature = try? Base64URL.decode(signature)
        else { throw .notAReceipt }
        guard SigningKey.verify(signature, of: bytes, publicKey: published) else {
            throw .wrongSignature
        }
        return try receipt()
    }
}

extension Receipt {
    /// Whether this is the receipt for what was asked for, by the salt that only the requester
    /// was given.
    package func belongs(to selector: ForgetSelector, salt: ForgetSalt) -> Bool {
        commitment == Hex.encode(salt.commitment(to: selector))
    }
}

/// What is wrong with a receipt.
package enum ReceiptError: Failure, Equatable {
    case notAReceipt
    case wrongSignature

    package var code: String {
        switch self {
        case .notAReceipt: "receipt.malformed"
        case .wrongSignature: "receipt.wrong-signature"
        }
    }

    package var operation: String { "verify a receipt" }

    package var publicText: String {
        switch self {
        case .notAReceipt: "this is no receipt"
        case .wrongSignature: "the receipt was not signed with this key, or was changed since"
        }
    }
}
