/// How often clients may ask, whatever they ask for; what is beyond answers 429.
///
/// Every request counts for its client address, and, where its token is good, for the token, too.
/// The commands of a node have limits of their own.
package struct RequestRates: Sendable, Equatable {
    /// Several readers may share an address.
    package var ofAddress = RateLimiter.Rate(perSecond: 200, burst: 2_000)
    package var ofToken = RateLimiter.Rate(perSecond: 100, burst: 1_000)

    package init() {}
}
