import Foundation
import Secrets

/// What a vault does before it answers anything: the ring is whole, and everything that the
/// forget log names is destroyed in it.
struct VaultOpening {
    let loaded: KeyRingFile.Loaded
    let log: ForgetLog
    let notices: [VaultNotice]

    init(_ file: KeyRingFile, copies: RingCopies) throws {
        var loaded: KeyRingFile.Loaded
        var notices: [VaultNotice] = []
        do throws(VaultError) {
            try file.removeLeftovers()
            loaded = try file.loadWithIdentity()
        } catch {
            guard case .ringDamaged = error else { throw error }
            let recovery = try RingRecovery(file, copies).recover(error)
            loaded = recovery.loaded
            notices.append(.recovered(from: recovery.name))
        }
        let log = try ForgetLog(ringPath: file.path, ring: loaded.ring)
        let found = try Self.read(log, file, loaded, &notices)
        if found.tornCount > 0 {
            // Looked at again under the lock: another process may have been writing.
            let torn = try file.locked { () throws(VaultError) in
                let torn = try log.scan().tornCount
                try log.append([])
                return torn
            }
            if torn > 0 { notices.append(.logCut(bytes: torn)) }
        }
        if !found.holes.isEmpty {
            var count = 0
            loaded = try file.change { ring throws(VaultError) in
                // Another process may be between the log and the ring.
                let holes = found.holes.filter { !ring.tree.isPunctured($0) }
                count = holes.count
                return try ring.punctured(holes)
            }
            if count > 0 { notices.append(.puncturedAgain(count: count)) }
        }
        if file.wrapping != nil, loaded.wrap == nil { notices.append(.notWrapped) }
        self.loaded = loaded
        self.log = log
        self.notices = notices
    }

    /// The paths that the log names and the ring still derives.
    private static func read(
        _ log: ForgetLog, _ file: KeyRingFile, _ loaded: KeyRingFile.Loaded,
        _ notices: inout [VaultNotice]
    ) throws(VaultError) -> (holes: [TreePath], tornCount: Int) {
        if access(log.path, F_OK) != 0 {
            let isNew = try file.locked { () throws(VaultError) in
                guard access(log.path, F_OK) != 0 else { return false }
                try log.create(like: try file.owner())
                return true
            }
            if isNew, loaded.ring.generation > 1 { notices.append(.logMissing(path: log.path)) }
        }
        var holes: [TreePath] = []
        let scan = try log.scan { record throws(VaultError) in
            if case .punctured(let path) = record.content, !loaded.ring.tree.isPunctured(path) {
                holes.append(path)
            }
        }
        return (holes, scan.tornCount)
    }
}

/// Puts a copy in the place of a ring that is damaged; only together with the forget log, so that
/// nothing forgotten comes back.
struct RingRecovery {
    private let file: KeyRingFile
    private let candidates: [(name: String, file: KeyRingFile)]

    init(_ file: KeyRingFile, _ copies: RingCopies) {
        self.file = file
        candidates = file.leftovers + copies.files
    }

    /// - Parameter damage: thrown again where no copy can be used.
    func recover(
        _ damage: VaultError
    ) throws -> (loaded: KeyRingFile.Loaded, name: String) {
        let whole = candidates.compactMap { candidate in
            (try? candidate.file.loadWithIdentity()).map { (name: candidate.name, loaded: $0) }
        }.sorted { $0.loaded.ring.generation > $1.loaded.ring.generation }
        // The log's checks are made with the ring's own key, so a ring that reads it is the one.
        for (name, candidate) in whole {
            let ring = candidate.ring
            let log = try ForgetLog(ringPath: file.path, ring: ring)
            guard access(log.path, F_OK) == 0 else { throw damage }
            var holes: [TreePath] = []
            do throws(VaultError) {
                try log.scan { record throws(VaultError) in
                    if case .punctured(let path) = record.content { holes.append(path) }
                }
            } catch {
                if case .logDamaged(_, 0, _) = error { continue }
                throw error
            }
            let loaded = try file.replaceDamaged(
                with: try ring.punctured(holes), wrap: candidate.wrap)
            return (loaded, name)
        }
        throw damage
    }
}
