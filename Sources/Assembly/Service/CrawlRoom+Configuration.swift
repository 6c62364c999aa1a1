import Crawler
import Foundation

extension CrawlRoom {
    /// Bytes that a forget needs where the key ring lies, beside the ring's own: records of its log,
    /// and what else is written there meanwhile.
    private static let besideRing: UInt64 = 32 << 20

    /// As the environment says; a forget writes the ring anew beside the old one.
    package init(_ configuration: Configuration) {
        let ring = configuration.keyRing ?? ""
        let folder = URL(fileURLWithPath: ring).deletingLastPathComponent().path
        var status = stat()
        let size = stat(ring, &status) == 0 ? UInt64(max(0, status.st_size)) : 0
        self.init(reserve: configuration.diskReserve, ringRoom: Self.besideRing + 3 * size) {
            FreeRoom.bytes(at: folder)
        }
    }
}
