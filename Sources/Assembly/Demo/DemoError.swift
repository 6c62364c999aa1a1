import Failures

/// Something in the demo is not as it is told.
package struct DemoError: Failure, Equatable {
    package let publicText: String

    init(_ text: String) { publicText = text }

    package var code: String { "demo.not-as-told" }
    package var operation: String { "tell the story" }
}
