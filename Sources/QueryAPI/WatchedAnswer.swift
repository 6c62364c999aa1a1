import Archive
import HTTPServer
import Vault

extension ChannelWatch {
    /// An answer that was prepared from channels, and is cut where something of them is forgotten or
    /// restricted while it is sent, or the caller's token or grants end.
    ///
    /// - Parameter marks: the channels with their `readersEpoch` when they were read.
    nonisolated func watched(
        _ response: HTTPResponse, _ marks: [ChannelNumber: Int64], _ call: Call
    ) -> HTTPResponse {
        guard case .bytes(let bytes) = response.body, bytes.count > PreparedAnswer.atOnce,
            !marks.isEmpty
        else { return response }
        let readings = call.readings(of: marks.keys)
        var response = response
        response.body = .stream { writer in
            try await self.during(marks, by: readings) {
                try await PreparedAnswer.write(bytes, to: writer)
            }
        }
        return response
    }
}

extension Vault {
    /// How often it is asked whether something was forgotten.
    private static let interval: Duration = .milliseconds(250)

    /// An answer that nobody watches for its channels, such as a long list of them: cut whenever
    /// anything at all is forgotten while it is sent.
    ///
    /// - Parameter generation: before anything of the answer was read.
    /// - Throws: `ArchiveError.interrupted` where something was forgotten already.
    func cutAtForget(_ response: HTTPResponse, since generation: UInt64) throws -> HTTPResponse {
        guard case .bytes(let bytes) = response.body, bytes.count > PreparedAnswer.atOnce
        else { return response }
        guard self.generation == generation else { throw ArchiveError.interrupted }
        var response = response
        response.body = .stream { writer in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                group.addTask {
                    try await PreparedAnswer.write(bytes, to: writer)
                    return true
                }
                group.addTask {
                    while self.generation == generation {
                        try await Task.sleep(for: Self.interval)
                        try self.refresh()
                    }
                    return false
                }
                defer { group.cancelAll() }
                guard try await group.next() == true else { throw ArchiveError.interrupted }
            }
        }
        return response
    }
}

/// An answer that is in memory as a whole.
private enum PreparedAnswer {
    /// Bytes of it that go out at once; what is longer may wait for a slow reader, and is sent
    /// under somebody's eyes.
    static let atOnce = 64 << 10

    static func write(_ bytes: [UInt8], to writer: any HTTPBodyWriter) async throws {
        for start in stride(from: 0, to: bytes.count, by: atOnce) {
            try await writer.write(Array(bytes[start..<min(start + atOnce, bytes.count)]))
        }
    }
}

extension Call {
    /// What has to stay allowed to the caller while he is sent something of channels.
    func readings(of channels: some Sequence<ChannelNumber>) -> Set<Archive.Reading> {
        guard let caller else { return [] }
        return Set(channels.map { Archive.Reading(caller, of: $0) })
    }
}
