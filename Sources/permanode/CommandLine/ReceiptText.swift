import Erasure
import Foundation

/// A receipt as a table for people.
extension Receipt {
    var fields: [(String, String)] {
        var fields = [("scope", scope)]
        if let from, let to { fields.append(("months taken in", "\(from) to \(to)")) }
        fields += [
            ("received", receivedAt.ISO8601Format()),
            ("keys destroyed", shreddedAt?.ISO8601Format() ?? "-"),
            ("rows deleted", deletedAt?.ISO8601Format() ?? "-"),
            ("finished", finishedAt.ISO8601Format()),
            ("vacuumed", vacuumedAt?.ISO8601Format() ?? "not yet"),
            ("final", final ? "yes" : "not yet"),
            ("channels", String(channels)),
            ("of them shared with others", sharedForgotten.map(String.init) ?? "-"),
            ("shared ones left to others", sharedKept.map(String.init) ?? "-"),
            ("never taken again", String(tombstones)),
            ("values that did not open", String(unreadable)),
            ("rows left", String(remaining)),
            (
                "keys tried",
                "\(proof.derivationsTried), of which \(proof.derivationsSucceeded) worked"
            ),
            ("data files", proof.dataFiles.text), ("write-ahead log", proof.writeAheadLog.text),
            (
                "database backups",
                backups.heldUntil.map { "gone by \($0.ISO8601Format())" }
                    ?? "their expiry is not configured"
            ),
            (
                "key ring copies left",
                ringCopies.isEmpty
                    ? "none known" : ringCopies.map(\.text).joined(separator: ", ")
            ),
        ]
        return fields + Self.fields(of: rows)
    }

    static func fields(of rows: [String: Int]) -> [(String, String)] {
        rows.sorted { $0.key < $1.key }.map { ("rows of \($0.key)", String($0.value)) }
    }
}

extension Receipt.RingCopy {
    fileprivate var text: String {
        name + (heldUntil.map { " (gone by \($0.ISO8601Format()))" } ?? "")
    }
}

extension Receipt.Search {
    fileprivate var text: String {
        let result = found.map { "\($0) of \(sought) noted byte sequences in \(bytes ?? 0) bytes" }
        let parts = [state == .looked ? nil : state.rawValue, result, why].compactMap { $0 }
        return parts.joined(separator: "; ")
    }
}
