import Dispatch

/// Runs one actor's jobs on a queue of its own, so that it may block in poll or libpq without
/// holding one of Swift's few cooperative threads.
final class QueueExecutor: SerialExecutor {
    // A serial queue without a target overcommits: it gets a thread even while others block.
    private let queue: DispatchQueue

    init(label: String) { queue = DispatchQueue(label: label) }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
}
