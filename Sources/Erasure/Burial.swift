import Archive
import Foundation
import MAM
import Postgres
import Vault

extension Archive {
    /// Writes tombstones of the roots of a batch of a channel's messages, and with the first
    /// batch of its trees. Nothing is added to a channel that is being forgotten, so the
    /// batches cover all there is.
    ///
    /// A value that does not open is counted and passed over: it must not keep the rest from
    /// being forgotten.
    ///
    /// - Returns: The last sequence of the batch, nil where nothing is left.
    func buryRoots(
        of channel: ChannelNumber, after: Int64, batch: Int, request: ChannelNumber, now: Date
    ) async throws -> Int64? {
        try await pool.withTransaction { connection in
            _ = try await connection.lockedRequest(request)
            try await connection.holdTombstones(.exclusive)
            let found = try await storedRoots(
                of: channel, after: after, limit: batch, on: connection)
            let buried = try await bury(found.roots, now: now, on: connection)
            try await connection.count(buried, as: ForgetCount.tombstones, channel, request)
            try await connection.count(
                found.unreadable, as: ForgetCount.unreadable, channel, request)
            return found.last
        }
    }
}
