import Archive
import Foundation
import HTTPServer
import Secrets
import Vault

/// Who is signed in to the page.
///
/// A session lies in the browser's cookie and nowhere else: sealed by the key ring, so that nobody
/// can read, change or make one, it names the token that signed in and not its secret. Nothing is
/// kept here that a restart, or a second process behind the same address, would miss; and whoever
/// gets hold of the cookie has it for an hour at most, and no token. That it was not signed out, and
/// that the token is still good, and for what, is asked of the archive with every request.
package final class Sessions: Sendable {
    /// One who is signed in.
    package struct Session: Sendable, Equatable {
        /// Random.
        let number: UInt64
        package let token: ChannelNumber
        let begunAt: Date
        let usedAt: Date
    }

    /// A session ends when no page was asked for for so long, and so long after it began.
    package static let idleLimit: TimeInterval = 3600
    package static let lifetime: TimeInterval = 12 * 3600

    /// How old a cookie gets before a page hands out the next: seldom, and often enough.
    private static let renewal: TimeInterval = 300

    private static let scope = "page session"
    private static let byteCount = 32
    private static let textLimit = 200

    private let archive: Archive
    private let clock: @Sendable () -> Date
    /// Whether browsers reach the page by TLS only.
    let isSecure: Bool

    package init(archive: Archive, isSecure: Bool, clock: @escaping @Sendable () -> Date) {
        self.archive = archive
        self.isSecure = isSecure
        self.clock = clock
    }

    /// The cookie's name. Browsers take one with this prefix only by TLS, for this host alone.
    package var cookieName: String { isSecure ? "__Host-permanode" : "permanode" }

    /// A new session, as a `Set-Cookie` field.
    package func begin(_ token: ChannelNumber) throws(VaultError) -> String {
        let now = clock()
        return try field(
            Session(number: .random(in: .min ... .max), token: token, begunAt: now, usedAt: now))
    }

    /// Ends a session for good, in all processes; the field takes the cookie away.
    package func end(_ session: Session?) async throws -> String {
        if let session {
            let now = clock()
            try await archive.endSession(
                session.number, until: now.addingTimeInterval(Self.idleLimit), now: now)
        }
        return attributes("\(cookieName)=; Max-Age=0")
    }

    /// The cookie of a request, whatever it says; nil where there is none. Of several with the
    /// name the first counts, which is that of the longest path.
    func cookie(_ request: HTTPRequest) -> String? {
        for field in request.headers.values("Cookie") {
            for pair in field.split(separator: ";") {
                let pair = pair.drop { $0 == " " }
                guard pair.hasPrefix("\(cookieName)=") else { continue }
                return String(pair.dropFirst(cookieName.count + 1))
            }
        }
        return nil
    }

    /// Nil for what is none, or is over.
    package func session(_ cookie: String) async throws -> Session? {
        guard cookie.utf8.count <= Self.textLimit, let sealed = try? Base64URL.decode(cookie),
            let bytes = try? archive.vault.openCursor(sealed, scope: Self.scope),
            bytes.count == Self.byteCount
        else { return nil }
        let numbers = (0..<4).map { index in
            bytes[index * 8..<(index + 1) * 8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        }
        guard let token = ChannelNumber(rawValue: Int64(bitPattern: numbers[1])) else { return nil }
        let session = Session(
            number: numbers[0], token: token, begunAt: Self.date(numbers[2]),
            usedAt: Self.date(numbers[3]))
        let now = clock()
        guard now < session.begunAt.addingTimeInterval(Self.lifetime),
            now < session.usedAt.addingTimeInterval(Self.idleLimit),
            try await !archive.isEnded(session: session.number)
        else { return nil }
        return session
    }

    /// The next cookie of a session that goes on; nil while the one there is is new enough.
    func renewed(_ session: Session) -> String? {
        let now = clock()
        guard now >= session.usedAt.addingTimeInterval(Self.renewal) else { return nil }
        return try? field(
            Session(
                number: session.number, token: session.token, begunAt: session.begunAt,
                usedAt: now))
    }

    private func field(_ session: Session) throws(VaultError) -> String {
        var bytes: [UInt8] = []
        let numbers = [
            session.number, UInt64(session.token.rawValue), Self.seconds(session.begunAt),
            Self.seconds(session.usedAt),
        ]
        for number in numbers { withUnsafeBytes(of: number.bigEndian) { bytes += $0 } }
        let sealed = try archive.vault.sealCursor(bytes, scope: Self.scope)
        return attributes("\(cookieName)=\(Base64URL.encode(sealed))")
    }

    /// Without Max-Age or Expires a cookie goes when the browser is closed.
    private func attributes(_ cookie: String) -> String {
        cookie + "; Path=/; HttpOnly; SameSite=Strict" + (isSecure ? "; Secure" : "")
    }

    private static func seconds(_ date: Date) -> UInt64 {
        UInt64(min(max(date.timeIntervalSince1970.rounded(.down), 0), 1e12))
    }

    private static func date(_ seconds: UInt64) -> Date {
        Date(timeIntervalSince1970: Double(seconds))
    }
}
