import CSodium

/// Starting libsodium, which it wants once before its first use.
enum Sodium {
    private static let started = sodium_init() >= 0

    /// Starts libsodium; again and from any thread is harmless.
    ///
    /// A failure needs no answer: the functions work without it, only not with the fastest code
    /// for this processor, and the random source ends the process by itself if it has none.
    static func start() {
        _ = started
    }
}
