import Secrets

/// The keys for what belongs to no channel, derived once: forgetting does not touch them.
struct GlobalKeys: Sendable {
    let registration: SecretBytes
    let tombstone: SecretBytes
    let token: SecretBytes
    let subject: SecretBytes
    let cursor: SecretBytes
    let nodeLookup: SecretBytes

    init(_ ring: KeyRing) throws(SecretsError) {
        registration = try ring.key(.registration)
        tombstone = try ring.key(.tombstone)
        token = try ring.key(.token)
        subject = try ring.key(.subject)
        cursor = try ring.key(.cursor)
        nodeLookup = try ring.key(.nodeLookup)
    }
}
