import Synchronization
import Vault

/// How many long answers of a kind are given at once, to a token and together.
final class Places: Sendable {
    private static let retryAfterSeconds = 5

    /// One of them, given back when nobody holds it any more.
    final class Place: Sendable {
        private let places: Places
        private let token: ChannelNumber

        fileprivate init(_ places: Places, _ token: ChannelNumber) {
            self.places = places
            self.token = token
        }

        deinit { places.give(back: token) }
    }

    private let perToken: Int
    private let together: Int
    private let taken = Mutex<[ChannelNumber: Int]>([:])

    init(perToken: Int, together: Int) {
        self.perToken = perToken
        self.together = together
    }

    /// - Throws: `RequestError.tooOften`.
    func take(_ token: ChannelNumber) throws(RequestError) -> Place {
        let isFree = taken.withLock { taken in
            let own = taken[token] ?? 0
            let all = taken.values.reduce(0, +)
            guard own < perToken, all < together else { return false }
            taken[token] = own + 1
            return true
        }
        guard isFree else { throw .tooOften(seconds: Self.retryAfterSeconds) }
        return Place(self, token)
    }

    private func give(back token: ChannelNumber) {
        taken.withLock { taken in
            let left = (taken[token] ?? 1) - 1
            taken[token] = left > 0 ? left : nil
        }
    }
}
