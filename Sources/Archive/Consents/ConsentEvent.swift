import MAM
import Ternary

/// What an owner authorised a service provider for (meter, *Messages of the Alliander proof of
/// concept*): `policy` of `AUTHORIZED` and `AUTHORIZATION_REVOKED`.
package struct ConsentPolicy: Sendable, Hashable {
    /// Bytes of UTF-8 a goal may have: a paragraph.
    package static let goalLimit = 1000

    /// The provider's IOTA address.
    package let provider: Hash
    /// What for. Nil only in a revocation, which then ends all that the provider has.
    package let goal: String?
}

/// A message of an owner's consent channel.
package enum ConsentEvent: Sendable, Hashable {
    case authorised(ConsentPolicy)
    case revoked(ConsentPolicy)
    /// Carries the device's IOTA address.
    case deviceAdded(Hash)
    case deviceDeleted(Hash)

    /// Nil for whatever is not exactly one of these: it changes nothing.
    package init?(_ message: Message) {
        guard message.contentTritCount.isMultiple(of: 3),
            message.contentTrytes.count <= 2 * JSONFragment.byteLimit,
            let bytes = MessageText.bytes(message.contentTrytes)
        else { return nil }
        self.init(json: bytes)
    }

    package init?(json: [UInt8]) {
        guard let object = JSONFragment(json), let type = object["type"]?.text else { return nil }
        switch String(decoding: type, as: UTF8.self) {
        case "AUTHORIZED":
            guard let policy = Self.policy(object["policy"]), policy.goal != nil else { return nil }
            self = .authorised(policy)
        case "AUTHORIZATION_REVOKED":
            guard let policy = Self.policy(object["policy"]) else { return nil }
            self = .revoked(policy)
        case "DEVICE_ADDED":
            guard let address = Self.address(object["device"]?["address"]) else { return nil }
            self = .deviceAdded(address)
        case "DEVICE_DELETED":
            guard let address = Self.address(object["device"]?["address"]) else { return nil }
            self = .deviceDeleted(address)
        default: return nil
        }
    }

    private static func policy(_ policy: JSONFragment?) -> ConsentPolicy? {
        guard let policy, let address = address(policy["serviceProvider"]?["iotaAddress"]),
            case .object(let members) = policy
        else { return nil }
        let goals = members.filter { $0.name.elementsEqual("goal".utf8) }
        guard !goals.isEmpty else { return ConsentPolicy(provider: address, goal: nil) }
        guard let text = policy["goal"]?.text, (1...ConsentPolicy.goalLimit).contains(text.count),
            let goal = String(validating: text, as: UTF8.self)
        else { return nil }
        return ConsentPolicy(provider: address, goal: goal)
    }

    private static func address(_ value: JSONFragment?) -> Hash? {
        value?.text.flatMap { IOTAAddress.hash(String(decoding: $0.prefix(100), as: UTF8.self)) }
    }
}

/// Addresses as people and devices write them.
package enum IOTAAddress {
    private static let checksumCount = 9

    /// Of 81 trytes, or of 90 with their checksum: the end of their Kerl hash. Nil for anything
    /// else.
    package static func hash(_ text: String) -> Hash? {
        guard [Hash.tryteCount, Hash.tryteCount + checksumCount].contains(text.utf8.count),
            let trytes = try? Trytes(text)
        else { return nil }
        let address = trytes[0..<Hash.tryteCount]
        guard trytes.count > Hash.tryteCount else { return try? Hash(address.description) }
        let checksum = Kerl.hash(address.trits).suffix(3 * checksumCount)
        guard checksum.elementsEqual(trytes[Hash.tryteCount..<trytes.count].trits) else {
            return nil
        }
        return try? Hash(address.description)
    }
}
