import CCurl
import Foundation
import Synchronization

/// HTTP over libcurl: one multi handle driven by one thread of its own, so that no thread of
/// Swift's cooperative pool ever waits for a node. The thread ends when the transport is released.
package final class CurlTransport: Sendable {
    /// Exchanges under way or waiting at one time. Every one holds a socket and up to an answer's
    /// size of memory.
    package static let maximumTransfers = 256

    private static let stackBytes = 512 * 1024

    private static let isLibraryReady = curl_global_init(Int(CURL_GLOBAL_ALL)) == CURLE_OK

    private let mailbox: CurlMailbox

    package init() {
        guard Self.isLibraryReady, let multi = curl_multi_init() else {
            mailbox = CurlMailbox(multi: nil)
            return
        }
        let handle = CurlMultiHandle(pointer: multi)
        let mailbox = CurlMailbox(multi: handle)
        self.mailbox = mailbox
        let thread = Thread { CurlLoop(multi: handle, mailbox: mailbox).run() }
        thread.name = "permanode-curl"
        thread.stackSize = Self.stackBytes
        thread.start()
    }

    deinit {
        mailbox.close()
    }

    /// - Throws: `TransferFault`, or `CancellationError` when the task is cancelled, which ends the
    ///   exchange at once.
    func post(_ request: PostRequest) async throws -> PostAnswer {
        let cancellation = CurlCancellation()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                mailbox.submit(
                    CurlJob(
                        request: request, cancellation: cancellation, continuation: continuation))
            }
        } onCancel: {
            cancellation.isRequested.store(true, ordering: .releasing)
            mailbox.wake()
        }
    }
}

/// Set by a cancelled task, read by the loop.
final class CurlCancellation: Sendable {
    let isRequested = Atomic<Bool>(false)
}

/// An exchange on its way to the loop, which resumes the continuation exactly once.
struct CurlJob: Sendable {
    let request: PostRequest
    let cancellation: CurlCancellation
    let continuation: CheckedContinuation<PostAnswer, any Error>
}

/// A multi handle.
///
/// Unchecked: only the loop's thread uses the pointer, apart from `curl_multi_wakeup`, which
/// libcurl allows from any thread; `CurlMailbox` calls that under its lock and never after the
/// loop took the handle out under the same lock.
struct CurlMultiHandle: @unchecked Sendable {
    let pointer: UnsafeMutableRawPointer
}

/// Where callers leave jobs for the loop.
final class CurlMailbox: Sendable {
    private struct State {
        var multi: CurlMultiHandle?
        var incoming: [CurlJob] = []
        var accepted = 0
        var isClosed = false
    }

    private let state: Mutex<State>

    init(multi: CurlMultiHandle?) {
        state = Mutex(State(multi: multi, isClosed: multi == nil))
    }

    func submit(_ job: CurlJob) {
        let refusal = state.withLock { state -> TransferFault? in
            if state.isClosed { return .closed }
            if state.accepted >= CurlTransport.maximumTransfers { return .busy }
            state.accepted += 1
            state.incoming.append(job)
            if let multi = state.multi { curl_multi_wakeup(multi.pointer) }
            return nil
        }
        if let refusal { job.continuation.resume(throwing: refusal) }
    }

    func wake() {
        state.withLock { state in
            if let multi = state.multi { curl_multi_wakeup(multi.pointer) }
        }
    }

    /// Makes the loop end; what is under way fails with `closed`.
    func close() {
        state.withLock { state in
            state.isClosed = true
            if let multi = state.multi { curl_multi_wakeup(multi.pointer) }
        }
    }

    /// The jobs that came since the last call, or nil once the mailbox is closed.
    func take() -> [CurlJob]? {
        state.withLock { state in
            guard !state.isClosed else { return nil }
            defer { state.incoming = [] }
            return state.incoming
        }
    }

    /// Makes room for another job.
    func finished() {
        state.withLock { $0.accepted -= 1 }
    }

    /// After this nobody else touches the multi handle. Gives the jobs that were never taken.
    func retire() -> [CurlJob] {
        state.withLock { state in
            state.isClosed = true
            state.multi = nil
            defer { state.incoming = [] }
            return state.incoming
        }
    }
}
