/// How much a log line matters. The raw value is what the line and the configuration say.
package enum LogLevel: String, Sendable, CaseIterable, Comparable {
    case debug, info, warning, error

    package static func < (left: LogLevel, right: LogLevel) -> Bool {
        left.rank < right.rank
    }

    var rank: Int {
        switch self {
        case .debug: 0
        case .info: 1
        case .warning: 2
        case .error: 3
        }
    }
}

/// How a log line looks: for people, or one JSON object a line for machines.
package enum LogFormat: String, Sendable, CaseIterable {
    case text, json
}
