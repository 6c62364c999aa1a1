import Dispatch
import Foundation
import Synchronization

/// The configured copies of the ring. Each has its own lock, leftovers and forget log, as the
/// ring has, and is replaced atomically.
final class RingCopies: Sendable {
    /// How long all copies together may take: one on a dead network share must not keep a
    /// forget from going on. What takes longer goes on by itself.
    static let timeLimit: DispatchTimeInterval = .seconds(10)

    /// The ring as it is now, and its log.
    struct Original: Sendable {
        let ring: @Sendable () throws(VaultError) -> KeyRing
        /// What its file is wrapped under, and its copies are to be.
        let wrap: RingWrap?
        let log: ForgetLog
    }

    private let destinations: [RingCopyFile]

    init(_ files: [KeyRingFile]) {
        var seen: [String: Int] = [:]
        destinations = files.map { file in
            let name = (file.path as NSString).lastPathComponent
            seen[name, default: 0] += 1
            let number = seen[name] ?? 1
            return RingCopyFile(file: file, name: number == 1 ? name : "\(name) (\(number))")
        }
    }

    var files: [(name: String, file: KeyRingFile)] { destinations.map { ($0.name, $0.file) } }
    var isEmpty: Bool { destinations.isEmpty }

    /// Brings every copy up to date that can be.
    func update(_ original: Original) -> [RingCopy] { each { $0.update(original) } }

    /// Looks only.
    func look(_ original: Original) -> [RingCopy] { each { $0.look(original) } }

    private func each(_ work: @escaping @Sendable (RingCopyFile) -> RingCopy) -> [RingCopy] {
        guard !destinations.isEmpty else { return [] }
        let results = Results()
        let group = DispatchGroup()
        for (index, destination) in destinations.enumerated() where destination.begin() {
            DispatchQueue.global().async(group: group) {
                // One that hangs must keep neither the others nor who waits.
                let copy = work(destination)
                results.values.withLock { $0[index] = copy }
                destination.end()
            }
        }
        _ = group.wait(timeout: .now() + Self.timeLimit)
        let found = results.values.withLock { $0 }
        return destinations.enumerated().map { index, destination in
            found[index]
                ?? RingCopy(
                    name: destination.name, standing: .unreachable, generation: nil,
                    detail: "\(destination.file.path) does not answer")
        }
    }

    private final class Results: Sendable {
        let values = Mutex<[Int: RingCopy]>([:])
    }
}

/// One copy.
final class RingCopyFile: Sendable {
    let file: KeyRingFile
    let name: String

    /// The copy as it was when it was last found to be current, and with which ring.
    private struct Confirmed {
        let file: RingFileIdentity
        let generation: UInt64
        let wrap: RingWrap.Header?
        let log: ForgetLogHead
    }

    private struct State {
        var isBusy = false
        var confirmed: Confirmed?
    }

    private let state = Mutex(State())

    init(file: KeyRingFile, name: String) {
        self.file = file
        self.name = name
    }

    /// Whether nobody is at it; then the caller is.
    func begin() -> Bool {
        state.withLock { state in
            defer { state.isBusy = true }
            return !state.isBusy
        }
    }

    func end() { state.withLock { $0.isBusy = false } }

    func look(_ original: RingCopies.Original) -> RingCopy {
        judge { () throws(VaultError) in
            let copy = try file.load()
            let ring = try original.ring()
            guard copy.identifier == ring.identifier else {
                throw .ringReplaced(path: file.path)
            }
            let isCurrent = copy.tree.isWithin(ring.tree)
            if isCurrent, !ring.tree.isWithin(copy.tree) {
                throw .ringWentBack(
                    path: file.path, held: ring.generation, found: copy.generation)
            }
            return RingCopy(
                name: name, standing: isCurrent ? .current : .behind,
                generation: copy.generation,
                hasLog: original.log.isMirrored(besideRing: file.path))
        }
    }

    func update(_ original: RingCopies.Original) -> RingCopy {
        judge { () throws(VaultError) in
            try file.removeLeftovers()
            let ring = try original.ring()
            if let known = state.withLock({ $0.confirmed }), known.generation == ring.generation,
                known.log == original.log.head, known.wrap == original.wrap?.header,
                try file.identity() == known.file
            {
                return RingCopy(
                    name: name, standing: .current, generation: known.generation, hasLog: true)
            }
            let loaded = try replace(original)
            var detail: String?
            do throws(VaultError) {
                try original.log.mirror(besideRing: file.path)
            } catch {
                detail = error.operatorText
            }
            let head = detail == nil ? original.log.head : nil
            state.withLock {
                $0.confirmed = head.map {
                    Confirmed(
                        file: loaded.identity, generation: loaded.ring.generation,
                        wrap: loaded.wrap?.header, log: $0)
                }
            }
            return RingCopy(
                name: name, standing: .current, generation: loaded.ring.generation,
                hasLog: detail == nil, detail: detail)
        }
    }

    private func replace(_ original: RingCopies.Original) throws(VaultError) -> KeyRingFile.Loaded {
        do {
            return try file.change(wrap: .under(original.wrap)) { held throws(VaultError) in
                // Asked for under the copy's lock, so that of two processes none puts an older
                // ring in a newer one's place.
                let ring = try original.ring()
                guard held.identifier == ring.identifier else {
                    throw .ringReplaced(path: file.path)
                }
                guard ring.tree.isWithin(held.tree) else {
                    throw .ringWentBack(
                        path: file.path, held: ring.generation, found: held.generation)
                }
                return ring
            }
        } catch {
            // A copy that is torn, or wrapped under a key of earlier, is made anew; but only where
            // it can be seen to be one of this ring, and not to know of more than it.
            switch error {
            case .ringDamaged, .ringLocked: break
            default: throw error
            }
            let ring = try original.ring()
            guard let (identifier, generation) = try file.publicHeader(),
                identifier == ring.identifier
            else { throw .ringReplaced(path: file.path) }
            guard generation <= ring.generation else { throw error }
            return try file.replace(with: ring, wrap: original.wrap)
        }
    }

    private func judge(_ body: () throws(VaultError) -> RingCopy) -> RingCopy {
        do throws(VaultError) {
            return try body()
        } catch {
            let standing: RingCopy.Standing =
                switch error {
                case .ringMissing(file.path): .missing
                case .ringReplaced, .ringDamaged, .ringTooOpen, .ringUnsupported, .ringLocked:
                    .unusable
                case .ringWentBack: .ahead
                default: .unreachable
                }
            let detail =
                switch error {
                case .ringReplaced(let path): "\(path) is another ring, or none"
                case .ringWentBack(let path, _, _):
                    "in \(path) keys were destroyed that the ring still has: look whether the ring"
                        + " was restored from an older copy; `permanode keyring restore --from` takes this one"
                default: error.operatorText
                }
            return RingCopy(name: name, standing: standing, generation: nil, detail: detail)
        }
    }
}
