/// What one check of an installation found.
package struct Finding: Sendable, Encodable, Equatable {
    package enum State: String, Sendable, Encodable {
        case well
        /// It works, and will not always.
        case warning
        /// It does not work.
        case failing
        /// What it needs does not work.
        case skipped
    }

    /// What was looked at, in two or three words.
    package let check: String
    package let state: State
    /// One sentence, without secrets.
    package let found: String
    /// What to do about it; nil where nothing is to be done.
    package let advice: String?

    package static func well(_ check: String, _ found: String) -> Finding {
        Finding(check: check, state: .well, found: found, advice: nil)
    }

    package static func warning(_ check: String, _ found: String, _ advice: String) -> Finding {
        Finding(check: check, state: .warning, found: found, advice: advice)
    }

    package static func failing(_ check: String, _ found: String, _ advice: String) -> Finding {
        Finding(check: check, state: .failing, found: found, advice: advice)
    }

    package static func skipped(_ check: String, because found: String) -> Finding {
        Finding(check: check, state: .skipped, found: found, advice: nil)
    }
}
