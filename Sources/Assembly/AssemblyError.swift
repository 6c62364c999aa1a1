import Failures

/// Why the parts cannot be put together, or did not stay so.
package enum AssemblyError: Failure, Equatable {
    /// The database holds no archive.
    case noSchema
    case schemaOutdated(found: Int, needed: Int)
    case schemaNewer(found: Int, known: Int)
    /// The database holds an archive already, made with another key ring.
    case archiveExists
    /// A file of the TLS configuration that cannot be read.
    case unreadableTLSFile(path: String)
    /// A role of the service that ended although nobody asked for it.
    case roleEnded(ServiceRole)
    /// What was asked to stop did not within its time.
    case shutdownTooSlow(seconds: Int)

    package var code: String {
        switch self {
        case .noSchema: "assembly.no-schema"
        case .schemaOutdated: "assembly.schema-outdated"
        case .schemaNewer: "assembly.schema-newer"
        case .archiveExists: "assembly.archive-exists"
        case .unreadableTLSFile: "assembly.unreadable-tls-file"
        case .roleEnded: "assembly.role-ended"
        case .shutdownTooSlow: "assembly.shutdown-too-slow"
        }
    }

    package var operation: String {
        switch self {
        case .noSchema, .schemaOutdated, .schemaNewer, .archiveExists: "open the archive"
        case .unreadableTLSFile: "listen"
        case .roleEnded: "serve"
        case .shutdownTooSlow: "stop"
        }
    }

    package var subject: String? {
        switch self {
        case .unreadableTLSFile(let path): path
        case .roleEnded(let role): role.rawValue
        default: nil
        }
    }

    package var publicText: String {
        switch self {
        case .noSchema: "the database holds no archive: run `permanode init`"
        case .schemaOutdated(let found, let needed):
            "the database has schema version \(found), this program needs \(needed):"
                + " run `permanode migrate`"
        case .schemaNewer(let found, let known):
            "the database has schema version \(found), this program knows up to \(known):"
                + " use the newer program"
        case .archiveExists:
            "the database holds an archive already: set PERMANODE_KEYRING to its key ring,"
                + " or PERMANODE_DATABASE_URL to an empty database"
        case .unreadableTLSFile(let path): "\(path) cannot be read"
        case .roleEnded(let role): "the \(role.rawValue) ended by itself"
        case .shutdownTooSlow(let seconds):
            "what was under way did not end within \(seconds) seconds and was cut off"
        }
    }
}
