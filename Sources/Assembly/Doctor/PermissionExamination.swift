import Foundation
import HTTPServer

/// Who may read and write the files that an installation stands on.
struct PermissionExamination {
    /// Days before its end from which on a certificate is warned of.
    private static let certificateDays = 14

    private let configuration: Configuration
    private let environment: [String: String]
    private let clock: @Sendable () -> Date

    init(
        _ configuration: Configuration, _ environment: [String: String],
        clock: @escaping @Sendable () -> Date
    ) {
        (self.configuration, self.environment, self.clock) = (configuration, environment, clock)
    }

    func findings() -> [Finding] {
        [misspelt, settings, ringFolder, ringOwner, tlsKey, certificate].compactMap { $0 }
    }

    /// What is read where no configuration reaches.
    private static let known: Set<String> = ["PERMANODE_CURLP"]

    /// Variables that look like this program's and are not: nobody else would notice.
    private var misspelt: Finding? {
        let unknown = environment.keys.filter {
            $0.hasPrefix("PERMANODE_") && Configuration.Variable(rawValue: $0) == nil
                && !Self.known.contains($0)
        }
        guard !unknown.isEmpty else { return nil }
        return .warning(
            "environment", "unknown: \(unknown.sorted().joined(separator: ", "))",
            "compare with the README's table")
    }

    private var settings: Finding? {
        let variable = Configuration.Variable.environmentFile
        guard let path = environment[variable.rawValue], !path.isEmpty else { return nil }
        guard let status = Self.status(path), status.st_mode & 0o022 == 0 else {
            return .failing(
                "settings", "others may change \(path), and so where everything goes",
                "chown root and chmod 640")
        }
        return status.st_mode & 0o004 == 0
            ? .well("settings", "\(path) is closed to others")
            : .warning(
                "settings", "everyone may read \(path), and it may hold the database's password",
                "chmod 640")
    }

    private var folder: String {
        URL(fileURLWithPath: configuration.keyRing ?? "/").deletingLastPathComponent().path
    }

    private var ringFolder: Finding? {
        guard let status = Self.status(folder) else { return nil }
        guard access(folder, W_OK | X_OK) == 0 else {
            return .failing(
                "key ring's folder", "\(folder) cannot be written: nobody can be forgotten",
                "give it to the user that the service runs as, with mode 0700")
        }
        let isSticky = status.st_mode & S_ISVTX != 0
        return status.st_mode & 0o022 == 0 || isSticky
            ? .well("key ring's folder", "can be written, and not by others")
            : .failing(
                "key ring's folder", "others may put another file in the key ring's place",
                "chmod 700 \(folder)")
    }

    /// Whoever runs a command as root makes files that the service cannot read.
    private var ringOwner: Finding? {
        guard let path = configuration.keyRing, let status = Self.status(path) else { return nil }
        return status.st_uid == geteuid()
            ? .well("key ring's owner", "is this user")
            : .warning(
                "key ring's owner",
                "is another user (\(status.st_uid)) than this one (\(geteuid()))",
                "run commands as the user that the service runs as")
    }

    private var tlsKey: Finding? {
        guard let tls = configuration.tls else { return nil }
        guard let status = Self.status(tls.key), access(tls.key, R_OK) == 0 else {
            return .failing("TLS key", "\(tls.key) cannot be read", "give it to this user's group")
        }
        return status.st_mode & 0o007 == 0
            ? .well("TLS key", "is closed to others")
            : .failing(
                "TLS key", "everyone may use \(tls.key)", "chmod 640, and have a new one made")
    }

    private var certificate: Finding? {
        guard let tls = configuration.tls else { return nil }
        let end: Date?
        do { end = try tls.read().expiry() } catch {
            return .failing(
                "TLS certificate", "certificate and key are no PEM, or do not belong together",
                "put the chain, the service's own first, and its key into the files")
        }
        guard let end else { return nil }
        let days = Int((end.timeIntervalSince(clock()) / 86_400).rounded(.down))
        let advice = "put a new one into the files, then reload the service (SIGHUP)"
        if days < 0 { return .failing("TLS certificate", "is over since \(-days) days", advice) }
        return days < Self.certificateDays
            ? .warning("TLS certificate", "is over in \(days) days", advice)
            : .well("TLS certificate", "is good for \(days) days")
    }

    private static func status(_ path: String) -> stat? {
        var status = stat()
        return stat(path, &status) == 0 ? status : nil
    }
}
