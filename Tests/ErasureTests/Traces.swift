import Erasure
import Foundation
import MAM
import Ternary
import Testing

/// Everything by which somebody who has files could tell what was archived: values in each
/// encoding in which they could stand in a file, at whatever place.
struct Traces {
    /// Shorter ones are not looked for, as they could stand anywhere by chance.
    static let shortest = 8
    /// So are those of few different bytes.
    private static let fewestBytes = 5
    /// A long value may be stored in parts, so windows of so many trytes are looked for.
    private static let window = 81
    private static let windowsEach = 5

    /// What each sequence of bytes is.
    private(set) var names: [[UInt8]: String] = [:]

    var sequences: [[UInt8]] { Array(names.keys) }

    /// A value of trytes: as text, and packed beginning at each of the five trits of a byte.
    mutating func add(_ trytes: Trytes, as name: String) {
        add(bytes: trytes.ascii, as: "\(name) as text")
        for phase in 0..<5 {
            let trits = [Trit](repeating: 0, count: phase) + trytes.trits
            // Bytes at the ends have neighbours' trits in them.
            let packed = T5B1.pack(trits).prefix(trits.count / 5).dropFirst(phase == 0 ? 0 : 1)
            add(bytes: Array(packed), as: "\(name) in t5b1")
        }
        add(bytes: T5B1.pack(trytes.trits), as: "\(name) in t5b1")
    }

    /// Parts of a long value of trytes.
    mutating func add(windowsOf trytes: Trytes, as name: String) {
        guard trytes.count > Self.window else { return add(trytes, as: name) }
        let last = trytes.count - Self.window
        for number in 0..<Self.windowsEach {
            let start = last * number / (Self.windowsEach - 1)
            add(trytes[start..<start + Self.window], as: name)
        }
    }

    /// A text: in UTF-8, and in the trytes of a message.
    mutating func add(text: String, as name: String) {
        let count = 24
        let bytes = Array(text.utf8)
        guard bytes.count > count else {
            add(bytes: bytes, as: name)
            return add(MessageText.trytes(text), as: name)
        }
        for start in stride(from: 0, through: bytes.count - count, by: 6 * count) {
            let part = Array(bytes[start..<start + count])
            add(bytes: part, as: name)
            add(MessageText.trytes(bytes: part), as: name)
        }
    }

    /// As they are, in hexadecimal and in base64.
    mutating func add(bytes: [UInt8], as name: String) {
        addExactly(bytes, as: name)
        for format in ["%02x", "%02X"] {
            let hex = bytes.map { String(format: format, $0) }.joined()
            addExactly(Array(hex.utf8), as: "\(name), hexadecimal")
        }
        for shift in 0..<3 {
            let shifted = [UInt8](repeating: 0, count: shift) + bytes
            // The last characters would also hold bits of what follows.
            let whole = shifted.count / 3 * 4
            let text = Data(shifted).base64EncodedString().utf8.prefix(whole).dropFirst(
                [0, 2, 3][shift])
            addExactly(Array(text), as: "\(name), base64")
            addExactly(
                text.map { $0 == 0x2B ? 0x2D : $0 == 0x2F ? 0x5F : $0 },
                as: "\(name), base64url")
        }
    }

    private mutating func addExactly(_ bytes: [UInt8], as name: String) {
        guard bytes.count >= Self.shortest, Set(bytes).count >= Self.fewestBytes else { return }
        names[bytes] = name
    }

    /// What of it stands in files, by file.
    func found(in files: [String]) async throws -> (places: [String], bytes: Int64) {
        var places: [String] = []
        var bytes: Int64 = 0
        let nothingYet = FileSearch(sequences)
        for file in files {
            var search = nothingYet
            try #require(await search.look(into: file), "\(file) cannot be read")
            bytes += search.bytes
            places += Set(search.found.compactMap { names[$0] }).map { "\($0) in \(file)" }
        }
        return (places.sorted(), bytes)
    }

    /// All files in folders and beneath them.
    static func files(in folders: [String]) throws -> [String] {
        var files: [String] = []
        for folder in folders {
            let paths = try #require(FileManager.default.enumerator(atPath: folder))
            for case let path as String in paths
            where paths.fileAttributes?[.type] as? FileAttributeType == .typeRegular {
                files.append("\(folder)/\(path)")
            }
        }
        return files
    }
}
