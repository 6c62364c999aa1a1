import Foundation

/// What the system's own `gzip` makes of compressed bytes.
package enum Gzip {
    /// - Returns: What could be decompressed, and whether it was whole.
    package static func decompressed(_ bytes: [UInt8]) throws -> (bytes: [UInt8], isWhole: Bool) {
        let folder = FileManager.default.temporaryDirectory
        let name = UUID().uuidString
        let (input, output) = (
            folder.appendingPathComponent(name + ".gz"), folder.appendingPathComponent(name)
        )
        defer {
            try? FileManager.default.removeItem(at: input)
            try? FileManager.default.removeItem(at: output)
        }
        try Data(bytes).write(to: input)
        try Data().write(to: output)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["gzip", "-dc"]
        process.standardInput = try FileHandle(forReadingFrom: input)
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return (Array(try Data(contentsOf: output)), process.terminationStatus == 0)
    }
}
