import Foundation
import MAM
import Vault

extension Archive {
    /// A channel's latest messages that are looked through for a rotation.
    package static let rotationSearchLimit = 64

    /// Takes side keys from rotations that were archived before the provider's key was: of the
    /// channels that wait for a key, among their latest messages.
    ///
    /// - Returns: The channels that have a new side key now.
    package func takeStoredRotations(now: Date) async throws -> [ChannelNumber] {
        let providers = try await providerKeys()
        guard !providers.isEmpty else { return [] }
        var taken: [ChannelNumber] = []
        var last: ChannelNumber?
        while true {
            let page = try await channels(after: last)
            for record in page where record.state == .waitingForKey {
                if try await takeStoredRotations(of: record.id, for: providers, now: now) {
                    taken.append(record.id)
                }
            }
            guard page.count == Self.channelPageLimit else { return taken }
            last = page.last?.id
        }
    }

    private func takeStoredRotations(
        of channel: ChannelNumber, for providers: [ProviderKey], now: Date
    ) async throws -> Bool {
        var range = MessageRange()
        range.order = .position
        range.descending = true
        // Nothing that is read here leaves the archive.
        let stored = try await AuditActor.$current.withValue(.upkeep) {
            try await messages(of: channel, range, limit: Self.rotationSearchLimit).messages
        }
        let known = try await sideKeys(of: channel)
        let requests = try stored.map {
            try $0.head.request(sideKey: $0.sideKey.flatMap { known[$0] })
        }
        var isNew = false
        for (place, result) in zip(stored, MessageReader.read(requests, .alreadyVerified)) {
            guard let message = try? result.get(),
                let key = KeyRotation.sideKey(in: message, for: providers),
                !known.values.contains(key)
            else { continue }
            try await add(key, to: channel, from: place.position + 1, now: now)
            isNew = true
        }
        return isNew
    }
}
