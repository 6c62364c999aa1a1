/// How long the buckets are into which readings are put together.
package enum Resolution: String, Sendable, CaseIterable {
    /// None: each reading by itself.
    case raw
    case quarter = "15m"
    case hour = "1h"
    /// A local day: 23, 24 or 25 hours.
    case day = "1d"
}
