import Archive
import Failures
import Postgres
import Vault

extension Eraser {
    /// Carries out what retention says of several channels. Their keys go in one change of the
    /// ring: the whole of it is written anew each time, which a change for each of ten thousand
    /// channels would make ten thousand times.
    ///
    /// - Returns: What keeps each of the others from being done; the next call goes on with them.
    /// - Throws: `CancellationError`.
    package func execute(together requests: [ForgetRequestRecord]) async throws
        -> [ChannelNumber: any Failure]
    {
        var failures: [ChannelNumber: any Failure] = [:]
        var ready: [ForgetRequestRecord] = []
        for request in requests where request.kind == .retention {
            try Task.checkCancellation()
            do {
                if let record = try await buried(request.id) { ready.append(record) }
            } catch let failure as any Failure {
                failures[request.id] = failure
            }
        }
        do {
            try await shred(together: ready)
        } catch is any Failure {
            // Of one of them, or of the ring: each by itself finds out.
        }
        for request in requests where failures[request.id] == nil {
            try Task.checkCancellation()
            do {
                _ = try await execute(request.id)
            } catch let failure as any Failure {
                failures[request.id] = failure
            }
        }
        return failures
    }

    /// Goes on until the keys are next; nil where they are not.
    private func buried(_ request: ChannelNumber) async throws -> ForgetRequestRecord? {
        while true {
            let record = try await archive.forgetRequest(request)
            let step = try await job(record).next
            switch step {
            case .begin, .bury: try await take(step, record)
            case .shred: return record
            case .delete, .conclude, .finished: return nil
            }
        }
    }

    private func shred(together requests: [ForgetRequestRecord]) async throws {
        guard !requests.isEmpty else { return }
        try await settings.faultPoint(.beforeShredding)
        let shredded = try await archive.pool.withTransaction { connection in
            // Whoever is at one of them now would be waited for with all the others locked: each
            // by itself comes later. Of one that is forgotten as a whole the roots are still read.
            let free = Set(
                try await connection.query(
                    """
                    select id from channel where id = any ($1) and state <> 'forgotten'
                    order by id for update skip locked
                    """, [.int64Array(requests.map(\.target.rawValue))]
                ).map { try $0.channelNumber("id") })
            let shredded = requests.filter { free.contains($0.target) }
            let scopes = shredded.flatMap { $0.scopes(of: $0.target) }
            guard !scopes.isEmpty else { return shredded }
            try await archive.vault.waiting { [scopes] (vault) throws(VaultError) in
                try vault.forgetWithoutCopies(scopes)
            }
            return shredded
        }
        _ = try await archive.vault.waiting { $0.updateCopies() }
        try await archive.noteForgetLog()
        try await settings.faultPoint(.shredded)
        for request in shredded { try await mark("shredded_at", request.target, request.id) }
        try await settings.faultPoint(.markedShredded)
    }
}
