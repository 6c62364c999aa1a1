import Archive
import Assembly
import Foundation
import NTRU
import QueryAPI
import Ternary
import Vault

/// Makes a key pair of the archive as a service provider.
enum ProviderKeyCreateCommand: Command {
    static let synopsis = Synopsis(
        name: "provider-key create",
        summary: "Makes a key pair to which owners encrypt side keys; prints its public part.",
        options: [
            .value(
                "address", "A",
                "the IOTA address by which owners name this provider; else the seed's first"),
            .value(
                "seed-file", "FILE",
                "the seed of an existing identity, 81 trytes, of which the keys are made;"
                    + " - is standard input"),
            .json,
        ],
        notes: """
            The private key is kept sealed in the database; a seed is not kept. Channels that wait
            for a side key which an owner has told this provider before are followed on.
            """)

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let address = arguments.value("address").map { try? Hash($0) }
        if case .some(nil) = address {
            throw arguments.wrong("--address is no address, which is 81 characters of 9A-Z")
        }
        let seed = try arguments.seed()
        let key = try await context.withInstance { instance, _, _ in
            let now = Date()
            let key = try await instance.archive.addProviderKey(
                seed: seed, address: address ?? nil, now: now)
            _ = try await instance.archive.takeStoredRotations(now: now)
            return key
        }
        try ProviderKeyDocument.write([key], arguments, context)
    }
}

/// Shows the public parts of the archive's key pairs.
enum ProviderKeyShowCommand: Command {
    static let synopsis = Synopsis(
        name: "provider-key show",
        summary: "Shows the addresses and public keys that owners need of this provider.",
        options: [.json])

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let keys = try await context.withInstance { instance, _, _ in
            try await instance.archive.providerKeys()
        }
        guard !keys.isEmpty else {
            throw CommandFailure(
                .notFound, "there is no provider key: permanode provider-key create makes one")
        }
        try ProviderKeyDocument.write(keys, arguments, context)
    }
}

/// With the names that an owner's policy has for them (meter).
private struct ProviderKeyDocument: Encodable {
    let iotaAddress: String
    let publicKeyTrytes: String
    let createdAt: Timestamp

    init(_ key: ProviderKey) {
        iotaAddress = key.address.description
        publicKeyTrytes = key.key.publicKey.trytes.description
        createdAt = Timestamp(key.createdAt)
    }

    static func write(
        _ keys: [ProviderKey], _ arguments: Arguments, _ context: CommandContext
    ) throws {
        let documents = keys.map(ProviderKeyDocument.init)
        if arguments.has("json") { return try context.console.json(documents) }
        let texts = documents.map { document in
            Table.fields([
                ("address", document.iotaAddress), ("made", document.createdAt.text),
                ("public key", document.publicKeyTrytes),
            ])
        }
        try context.console.write(texts.joined(separator: "\n"))
    }
}
