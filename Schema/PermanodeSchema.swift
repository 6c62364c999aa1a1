/// The SQL files of this folder, in the order in which they apply.
package enum PermanodeSchema {
    /// A schema version each: its number, its file's name without `.sql`, the file's text.
    package static let migrations: [(version: Int, name: String, sql: String)] = [
        (1, "V0001_archive", text(PackageResources.V0001_archive_sql))
    ]

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
