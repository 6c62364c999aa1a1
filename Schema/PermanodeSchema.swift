/// The SQL files of this folder, in the order in which they apply.
package enum PermanodeSchema {
    /// A schema version: its number, its file's name without `.sql`, and the file's text.
    package struct File: Sendable {
        package let version: Int
        package let name: String
        package let sql: String
    }

    package static let files: [File] = [
        File(version: 1, name: "V0001_archive", sql: text(PackageResources.V0001_archive_sql))
    ]

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
