import Ternary

extension Hash {
    /// The hash that a sponge gave, 243 trits. The fallback is never taken: a rate has no
    /// other length.
    init(sponge trits: [Trit]) {
        self = (try? Hash(trits: trits)) ?? .null
    }
}
