import CCurl
import Synchronization

/// Drives every exchange of one multi handle; lives on one thread from `run` to its end.
final class CurlLoop {
    /// libcurl shortens this by its own timers, and a wake-up ends it.
    private static let longestPollMilliseconds: Int32 = 60_000
    /// Kept-alive connections: a few a node, for the most nodes a pool takes.
    private static let keptConnections = 64

    private let multi: UnsafeMutableRawPointer
    private let mailbox: CurlMailbox
    private var transfers: [UnsafeMutableRawPointer: CurlTransfer] = [:]

    init(multi: CurlMultiHandle, mailbox: CurlMailbox) {
        self.multi = multi.pointer
        self.mailbox = mailbox
    }

    func run() {
        permanode_curl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, Self.keptConnections)
        while let jobs = mailbox.take() {
            for job in jobs { start(job) }
            dropCancelled()
            var running: Int32 = 0
            guard curl_multi_perform(multi, &running) == CURLM_OK else { break }
            finishCompleted()
            let polled = curl_multi_poll(multi, nil, 0, Self.longestPollMilliseconds, nil)
            guard polled == CURLM_OK else { break }
        }
        for job in mailbox.retire() { job.continuation.resume(throwing: TransferFault.closed) }
        for transfer in Array(transfers.values) {
            finish(transfer, with: .failure(TransferFault.closed))
        }
        curl_multi_cleanup(multi)
    }

    private func start(_ job: CurlJob) {
        guard let transfer = CurlTransfer(job) else {
            mailbox.finished()
            job.continuation.resume(throwing: TransferFault.closed)
            return
        }
        transfers[transfer.handle] = transfer
        let added = curl_multi_add_handle(multi, transfer.handle)
        if added != CURLM_OK {
            finish(transfer, with: .failure(TransferFault.other(code: Int(added.rawValue))))
        }
    }

    private func dropCancelled() {
        let cancelled = transfers.values.filter {
            $0.job.cancellation.isRequested.load(ordering: .acquiring)
        }
        for transfer in cancelled { finish(transfer, with: .failure(CancellationError())) }
    }

    private func finishCompleted() {
        var remaining: Int32 = 0
        while let message = curl_multi_info_read(multi, &remaining) {
            guard message.pointee.msg == CURLMSG_DONE,
                let handle = message.pointee.easy_handle,
                let transfer = transfers[handle]
            else { continue }
            finish(transfer, with: transfer.outcome(of: message.pointee.data.result))
        }
    }

    private func finish(_ transfer: CurlTransfer, with result: Result<PostAnswer, any Error>) {
        transfers[transfer.handle] = nil
        curl_multi_remove_handle(multi, transfer.handle)
        mailbox.finished()
        transfer.job.continuation.resume(with: result)
    }
}
