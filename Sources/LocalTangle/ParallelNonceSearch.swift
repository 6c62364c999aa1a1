import Dispatch
import Foundation
import Synchronization
import Tangle

/// A proof of work on all processors.
package enum ParallelNonceSearch {
    /// Weights that one processor is done with before others have begun: some milliseconds.
    private static let weightsAlone = 0...9

    /// Blocks its thread, and those of a few more, until one of them has found a nonce.
    ///
    /// - Parameter isCancelled: asked by all of them.
    /// - Throws: `TangleError.cancelled`.
    package static func run(
        _ search: NonceSearch, isCancelled: @escaping @Sendable () -> Bool
    ) throws(TangleError) -> NonceSearch.Found {
        let processors = min(ProcessInfo.processInfo.activeProcessorCount, NonceSearch.partCount)
        guard !weightsAlone.contains(search.minWeightMagnitude), processors > 1 else {
            return try search.run(isCancelled: isCancelled)
        }
        let first = Mutex<NonceSearch.Found?>(nil)
        DispatchQueue.concurrentPerform(iterations: processors) { part in
            let found = try? search.run(part: part) {
                isCancelled() || first.withLock { $0 != nil }
            }
            if let found { first.withLock { $0 = $0 ?? found } }
        }
        guard let found = first.withLock({ $0 }) else { throw .cancelled }
        return found
    }
}
