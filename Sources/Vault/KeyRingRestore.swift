import Foundation
import Secrets

/// Puts a copy of the ring in the ring's place: only where that brings no destroyed key back.
package enum KeyRingRestore {
    package struct Outcome: Sendable, Equatable {
        package enum Replaced: String, Sendable, Codable {
            /// There was no ring.
            case missing
            case damaged
            /// A ring that still had keys that are destroyed in the copy.
            case older
            /// A ring that can derive the same.
            case same
        }

        package let replaced: Replaced
        package let generation: UInt64
        /// Keys that the copy still had, and that the forget log says are destroyed.
        package let puncturedAgain: Int
        /// Records of the log beside the copy that the ring's own log lacked.
        package let recordsTaken: Int
        /// Whether there was a forget log at all.
        package let hasLog: Bool
    }

    /// - Parameter withoutLog: also where there is no forget log, neither beside the ring nor
    ///   beside the copy: then only the database can say what the copy brings back.
    /// - Throws: `VaultError.restoreRefused`; those of reading a ring, of either place.
    package static func restore(
        _ file: KeyRingFile, from source: KeyRingFile, withoutLog: Bool = false
    ) throws -> Outcome {
        let copy = try source.loadWithIdentity()
        let present = try present(file)
        if let present { try check(copy.ring, against: present, file, source) }
        let (log, taken) = try takeLog(file, source, copy.ring, withoutLog)
        var holes: [TreePath] = []
        try log?.scan { record throws(VaultError) in
            if case .punctured(let path) = record.content { holes.append(path) }
        }
        let again = holes.filter { !copy.ring.tree.isPunctured($0) }
        let ring = try copy.ring.punctured(holes).raised(above: present?.generation ?? 0)
        let replaced: Outcome.Replaced
        if access(file.path, F_OK) != 0 {
            try file.create(ring, wrap: copy.wrap)
            replaced = .missing
        } else if let present {
            try file.change { held throws(VaultError) in
                guard ring.tree.isWithin(held.tree) else {
                    throw .restoreRefused(
                        path: source.path, reason: "the ring has been changed meanwhile")
                }
                return ring
            }
            replaced = present.tree.isWithin(ring.tree) ? .same : .older
        } else {
            _ = try file.replaceDamaged(with: ring, wrap: copy.wrap)
            replaced = .damaged
        }
        return Outcome(
            replaced: replaced, generation: ring.generation, puncturedAgain: again.count,
            recordsTaken: taken, hasLog: log != nil)
    }

    /// Nil where it is missing or damaged.
    private static func present(_ file: KeyRingFile) throws(VaultError) -> KeyRing? {
        do throws(VaultError) {
            return try file.load()
        } catch {
            switch error {
            case .ringMissing, .ringDamaged: return nil
            default: throw error
            }
        }
    }

    private static func check(
        _ copy: KeyRing, against present: KeyRing, _ file: KeyRingFile, _ source: KeyRingFile
    ) throws(VaultError) {
        guard copy.identifier == present.identifier else {
            throw .restoreRefused(
                path: source.path,
                reason: "it is another ring than \(file.path); move that away if this is meant")
        }
        guard copy.tree.isWithin(present.tree) else {
            throw .restoreRefused(
                path: source.path,
                reason: "keys could be derived from it that are destroyed in \(file.path),"
                    + " which is whole and newer")
        }
    }

    /// The ring's log, with what the one beside the copy has and it lacks; nil without either.
    private static func takeLog(
        _ file: KeyRingFile, _ source: KeyRingFile, _ ring: KeyRing, _ withoutLog: Bool
    ) throws -> (ForgetLog?, taken: Int) {
        let own = try ForgetLog(ringPath: file.path, ring: ring)
        let other = try ForgetLog(ringPath: source.path, ring: ring)
        let (hasOwn, hasOther) = (access(own.path, F_OK) == 0, access(other.path, F_OK) == 0)
        guard hasOwn || hasOther || withoutLog else {
            throw VaultError.restoreRefused(
                path: source.path,
                reason: "there is no forget log, neither \(own.path) nor \(other.path), so nobody"
                    + " can say which destroyed keys it would bring back; bring the log back first,"
                    + " or say --without-log where the database is newer than the copy")
        }
        guard hasOther else { return (hasOwn ? own : nil, 0) }
        if !hasOwn {
            try other.scan()
            try other.mirror(besideRing: file.path)
            return (own, Int(clamping: other.head?.sequence ?? 0))
        }
        var known: Set<ForgetLogRecord.Content> = []
        try own.scan { record throws(VaultError) in known.insert(record.content) }
        var missing: [ForgetLogRecord.Content] = []
        try other.scan { record throws(VaultError) in
            if known.insert(record.content).inserted { missing.append(record.content) }
        }
        if !missing.isEmpty {
            try file.locked { () throws(VaultError) in _ = try own.append(missing) }
        }
        return (own, missing.count)
    }
}
