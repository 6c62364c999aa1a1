import Foundation
import Synchronization
import Vault

/// How much a client may ask for in a while: what it has left grows with the time, up to a bound.
///
/// What is kept of clients is bounded; of those that come when there is no more room, the ones
/// not heard of for longest begin anew.
package final class RateLimiter: Sendable {
    /// Requests, or a dozen or so values asked for, a second; and how many may be saved up.
    package struct Rate: Sendable, Equatable {
        package let perSecond: Double
        package let burst: Double

        package init(perSecond: Double, burst: Double) {
            self.perSecond = perSecond
            self.burst = burst
        }
    }

    package enum Client: Sendable, Hashable {
        /// What connections from one place have in common.
        case address(String)
        case token(ChannelNumber)
    }

    private struct Allowance {
        var left: Double
        var at: ContinuousClock.Instant
    }

    private struct State {
        var ofAddress: Rate
        var ofToken: Rate
        /// Clients heard of since `older` was put aside, and those before.
        var recent: [Client: Allowance] = [:]
        var older: [Client: Allowance] = [:]
    }

    /// Clients kept twice over: a few megabytes.
    private static let clientLimit = 20_000

    private let state: Mutex<State>

    package init(ofAddress: Rate, ofToken: Rate) {
        state = Mutex(State(ofAddress: ofAddress, ofToken: ofToken))
    }

    /// Other rates from now on; what clients have saved up stays theirs, as far as the new bounds go.
    package func setRates(ofAddress: Rate, ofToken: Rate) {
        state.withLock { ($0.ofAddress, $0.ofToken) = (ofAddress, ofToken) }
    }

    /// Takes `cost` of what the client has left, where that is as much as a request; what it is
    /// short of then is made up for before the next request.
    ///
    /// - Returns: How long the client has to wait where it has nothing left; else nil.
    package func take(
        _ cost: Double, of client: Client, at now: ContinuousClock.Instant = .now
    ) -> Duration? {
        let rate = rate(of: client)
        return state.withLock { state in
            var allowance = Self.allowance(of: client, in: state, rate, now)
            defer { Self.put(allowance, of: client, in: &state) }
            guard allowance.left >= 1 else {
                return .seconds((1 - allowance.left) / rate.perSecond)
            }
            allowance.left -= cost
            return nil
        }
    }

    /// Whether the client has anything left, and how long it has to wait where it has not.
    package func wait(of client: Client, at now: ContinuousClock.Instant = .now) -> Duration? {
        let rate = rate(of: client)
        let left = state.withLock { Self.allowance(of: client, in: $0, rate, now).left }
        return left >= 1 ? nil : .seconds((1 - left) / rate.perSecond)
    }

    /// Takes a cost that is known only now.
    package func charge(
        _ cost: Double, to client: Client, at now: ContinuousClock.Instant = .now
    ) {
        let rate = rate(of: client)
        state.withLock { state in
            var allowance = Self.allowance(of: client, in: state, rate, now)
            allowance.left -= cost
            Self.put(allowance, of: client, in: &state)
        }
    }

    /// Clients of which something is kept.
    package var clientCount: Int { state.withLock { $0.recent.count + $0.older.count } }

    private func rate(of client: Client) -> Rate {
        state.withLock { state in
            switch client {
            case .address: state.ofAddress
            case .token: state.ofToken
            }
        }
    }

    private static func allowance(
        of client: Client, in state: State, _ rate: Rate, _ now: ContinuousClock.Instant
    ) -> Allowance {
        guard var known = state.recent[client] ?? state.older[client] else {
            return Allowance(left: rate.burst, at: now)
        }
        known.left = min(
            rate.burst, known.left + max(0, (now - known.at) / .seconds(1)) * rate.perSecond)
        known.at = now
        return known
    }

    private static func put(_ allowance: Allowance, of client: Client, in state: inout State) {
        if state.recent.count >= clientLimit, state.recent[client] == nil {
            state.older = state.recent
            state.recent = [:]
        }
        state.recent[client] = allowance
    }
}

extension RateLimiter.Client {
    /// Of a numeric address; of IPv6 the first 64 bits, which is what a single customer is given.
    package init(address: String) {
        var bytes = in6_addr()
        guard inet_pton(AF_INET6, address, &bytes) == 1 else {
            self = .address(address)
            return
        }
        let prefix = withUnsafeBytes(of: bytes) { Array($0.prefix(8)) }
        self = .address(prefix.map { String($0, radix: 16) }.joined(separator: ":"))
    }
}
