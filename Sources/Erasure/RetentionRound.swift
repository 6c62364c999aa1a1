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
        // In the order in which everybody locks channels.
        let requests = requests.sorted { $0.target.rawValue < $1.target.rawValue }
        let shredded = try await archive.pool.withTransaction { connection in
            var scopes: [ForgetScope] = []
            var shredded: [ForgetRequestRecord] = []
            for request in requests {
                // Of one that is forgotten as a whole meanwhile the roots are still read.
                guard try await connection.lockRow(of: request.target) else { continue }
                scopes += request.scopes(of: request.target)
                shredded.append(request)
            }
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
