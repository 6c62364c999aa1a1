import Foundation

/// A service manager's side of a notify socket.
package final class NotifyReceiver: Sendable {
    package struct Refused: Error {}

    /// Of a message: the kernel takes longer ones, nobody sends them.
    private static let longest = 4096

    private let descriptor: Int32

    /// A name that nobody has: of a file in `/tmp`, or an abstract one.
    package static func freeName(abstract: Bool) -> String {
        let name = "permanode-\(UUID().uuidString.prefix(8))"
        return abstract ? "@" + name : "/tmp/\(name)"
    }

    /// - Parameter name: As `NOTIFY_SOCKET` says it.
    package init(_ name: String) throws {
        let type = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        descriptor = socket(AF_UNIX, type, 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var path = Array(name.utf8)
        if path[0] == UInt8(ascii: "@") { path[0] = 0 } else { path.append(0) }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + path.count)
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        guard descriptor >= 0, result == 0 else { throw Refused() }
    }

    deinit { close(descriptor) }

    /// The lines of the next message; nil while there is none.
    package func next() -> [String]? {
        var buffer = [UInt8](repeating: 0, count: Self.longest)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { return nil }
        return String(decoding: buffer.prefix(count), as: UTF8.self)
            .split(separator: "\n").map(String.init)
    }

    /// Messages up to the first that has a line.
    package func wait(for line: String) async throws -> [[String]] {
        var messages: [[String]] = []
        while true {
            while let message = next() {
                messages.append(message)
                if message.contains(line) { return messages }
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}
