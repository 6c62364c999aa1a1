import Failures

/// A metric that cannot be registered: always a mistake in the program, found at start.
package enum MetricsError: Failure, Hashable {
    /// Not a name of the exposition format, or one that is reserved.
    case invalidName(String)
    /// Another metric writes lines of this name, or the same name has another shape.
    case nameTaken(String)
    /// A label named twice.
    case duplicateLabel(metric: String, label: String)
    /// Bounds that are not finite and rising, or none.
    case invalidBuckets(metric: String)
    /// The metric's label values would make more lines than the registry allows.
    case tooManySeries(metric: String, limit: Int)

    package var code: String {
        switch self {
        case .invalidName: "metrics.invalid-name"
        case .nameTaken: "metrics.name-taken"
        case .duplicateLabel: "metrics.duplicate-label"
        case .invalidBuckets: "metrics.invalid-buckets"
        case .tooManySeries: "metrics.too-many-series"
        }
    }

    package var operation: String { "register metric" }

    package var subject: String? {
        switch self {
        case .invalidName(let name), .nameTaken(let name): name
        case .duplicateLabel(let metric, _), .invalidBuckets(let metric): metric
        case .tooManySeries(let metric, _): metric
        }
    }

    package var publicText: String {
        switch self {
        case .invalidName(let name): "“\(name)” is not a metric or label name."
        case .nameTaken(let name): "The metric “\(name)” is registered in another shape."
        case .duplicateLabel(let metric, let label): "“\(metric)” has “\(label)” twice."
        case .invalidBuckets(let metric): "The buckets of “\(metric)” do not rise."
        case .tooManySeries(let metric, let limit):
            "With “\(metric)” there would be more than \(limit) series."
        }
    }
}
