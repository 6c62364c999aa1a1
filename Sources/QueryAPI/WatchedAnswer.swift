import Archive
import HTTPServer
import Vault

extension ChannelWatch {
    /// Bytes of an answer that go out at once; what is longer may wait for a slow reader, and is
    /// sent under the eyes of the watch.
    private static let atOnce = 64 << 10

    /// An answer that was prepared from channels, and is cut where something of them is forgotten or
    /// restricted while it is sent, or the caller's token or grants end.
    ///
    /// - Parameter marks: the channels with their `readersEpoch` when they were read.
    nonisolated func watched(
        _ response: HTTPResponse, _ marks: [ChannelNumber: Int64], _ call: Call
    ) -> HTTPResponse {
        guard case .bytes(let bytes) = response.body, bytes.count > Self.atOnce, !marks.isEmpty
        else { return response }
        let readings = call.readings(of: marks.keys)
        var response = response
        response.body = .stream { writer in
            try await self.during(marks, by: readings) {
                for start in stride(from: 0, to: bytes.count, by: Self.atOnce) {
                    try await writer.write(
                        Array(bytes[start..<min(start + Self.atOnce, bytes.count)]))
                }
            }
        }
        return response
    }
}

extension Call {
    /// What has to stay allowed to the caller while he is sent something of channels.
    func readings(of channels: some Sequence<ChannelNumber>) -> Set<Archive.Reading> {
        guard let caller else { return [] }
        return Set(channels.map { Archive.Reading(caller, of: $0) })
    }
}
