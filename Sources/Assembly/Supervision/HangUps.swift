import Dispatch
import Foundation
import Synchronization

/// SIGHUP, which from `init` on no longer ends the process, but asks it to read its configuration
/// anew. One that comes while another is being dealt with is dealt with afterwards; several are one.
package final class HangUps: Sendable {
    package let all: AsyncStream<Void>

    private let source = Mutex<(any DispatchSourceSignal)?>(nil)

    package init() {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Void.self, bufferingPolicy: .bufferingNewest(1))
        all = stream
        // The source is told of a signal only where it does nothing else.
        signal(SIGHUP, SIG_IGN)
        source.withLock { source in
            let new = DispatchSource.makeSignalSource(
                signal: SIGHUP, queue: DispatchQueue.global())
            new.setEventHandler { continuation.yield() }
            new.resume()
            source = new
        }
    }

    deinit { source.withLock { $0?.cancel() } }
}
