import Dispatch
import IRICommands
import Synchronization
import Tangle

/// Does the work of `attachToTangle` on threads of its own, one bundle at a time as IRI does,
/// so that neither the server nor Swift's cooperative threads wait for it.
package final class ProofOfWork: Sendable {
    /// Bundles that may wait; a client that asks for more is told so at once.
    package static let maximumWaiting = 16

    private let queue = DispatchQueue(label: "local-tangle.proof-of-work", qos: .utility)
    private let waiting = Mutex(0)

    package init() {}

    /// Chains the transactions by their indexes and works for `request.weight`. Ends early
    /// where the task is cancelled.
    /// - Parameter timestamp: the attachment's, milliseconds since 1970.
    /// - Returns: the transactions in the order of the request; none where it ended early.
    /// - Throws: `CommandRefusal.busy`, or `invalidInput` for what cannot be attached.
    package func attach(
        _ request: AttachRequest, timestamp: Int64
    ) async throws(CommandRefusal) -> [Transaction] {
        let isAdmitted = waiting.withLock { waiting in
            guard waiting < Self.maximumWaiting else { return false }
            waiting += 1
            return true
        }
        guard isAdmitted else { throw .busy }
        defer { waiting.withLock { $0 -= 1 } }
        let cancellation = Cancellation()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                queue.async {
                    continuation.resume(
                        returning: Self.work(request, timestamp, cancellation))
                }
            }
        } onCancel: {
            cancellation.isRequested.store(true, ordering: .relaxed)
        }
        return try result.get()
    }

    private final class Cancellation: Sendable {
        let isRequested = Atomic(false)
    }

    private static func work(
        _ request: AttachRequest, _ timestamp: Int64, _ cancellation: Cancellation
    ) -> Result<[Transaction], CommandRefusal> {
        let byIndex = request.transactions.enumerated().sorted { left, right in
            (left.element.currentIndex, left.offset) < (right.element.currentIndex, right.offset)
        }
        do throws(TangleError) {
            let attached = try Attachment.attach(
                byIndex.map(\.element), trunk: request.trunk, branch: request.branch,
                minWeightMagnitude: request.weight, attachmentTimestamp: timestamp
            ) { search throws(TangleError) in
                try ParallelNonceSearch.run(search) {
                    cancellation.isRequested.load(ordering: .relaxed)
                }
            }
            return .success(
                zip(byIndex, attached).map { (offset: $0.offset, element: $1) }
                    .sorted { $0.offset < $1.offset }.map(\.element))
        } catch {
            switch error {
            case .cancelled: return .success([])
            case .weightOutOfRange: return .failure(.invalidInput("minWeightMagnitude"))
            default: return .failure(.invalidInput("trytes"))
            }
        }
    }
}
