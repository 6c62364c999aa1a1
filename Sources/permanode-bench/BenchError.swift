import Failures

/// A figure that would not be one: what was measured gave a wrong result.
struct BenchError: Failure {
    let publicText: String

    init(_ text: String) { publicText = text }

    var code: String { "bench.wrong-result" }
    var operation: String { "measure" }
}
