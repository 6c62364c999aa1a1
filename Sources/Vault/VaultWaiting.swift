import Dispatch

extension Vault {
    /// Runs work that may wait, for a disk, a copy on a network share, or another process's lock,
    /// on a thread of its own: of those that tasks run on there is one a processor.
    package func waiting<Value: Sendable>(
        _ work: @escaping @Sendable (Vault) throws(VaultError) -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                do {
                    continuation.resume(returning: try work(self))
                } catch {
                    continuation.resume(throwing: error)
                }
            }
        }
    }
}
