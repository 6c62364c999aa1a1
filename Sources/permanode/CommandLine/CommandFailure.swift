import Archive
import Assembly
import Erasure
import Failures
import LocalTangle
import MAM
import Postgres
import Vault

/// Why a command ends otherwise than with 0, as one line says it.
struct CommandFailure: Error {
    let status: ExitStatus
    /// What, which, and what to do; without line ends and without secrets.
    let text: String

    init(_ status: ExitStatus, _ text: String) {
        self.status = status
        self.text = text
    }

    /// Of any error. An error that is no `Failure` is named by its type only: its own text may
    /// say anything.
    init(_ error: any Error) {
        switch error {
        case let failure as CommandFailure: self = failure
        case let failure as any Failure: self.init(failure)
        case is CancellationError: self.init(.failed, "interrupted")
        default: self.init(.failed, "unexpected error: \(type(of: error))")
        }
    }

    private init(_ failure: any Failure) {
        var text = failure.operatorText
        if let subject = failure.subject, !text.contains(subject) { text += " (\(subject))" }
        self.init(Self.status(of: failure), "\(text) [\(failure.code)]")
    }

    private static func status(of failure: any Failure) -> ExitStatus {
        switch failure {
        case let error as ConfigurationError: error.isRefusal ? .refused : .usedWrongly
        case let error as ArchiveError: status(of: error)
        case is RequestLifeError: .refused
        case let error as VaultError: status(of: error)
        case let error as AssemblyError: status(of: error)
        case ErasureError.otherRing: .refused
        case let error as PublishError: status(of: error)
        case is WriteError: .usedWrongly
        case DumpError.missing, LoadError.unreadable: .notFound
        case DumpError.notAFile, DumpError.tooManyFiles: .usedWrongly
        case DumpError.indexInUse, DumpError.notAnIndex, DumpError.otherStream: .refused
        case let error as PostgresError where error.kind == .migration: .refused
        default: .failed
        }
    }

    private static func status(of error: PublishError) -> ExitStatus {
        switch error {
        case .fileMissing: .notFound
        case .fileExists, .fileInUse, .fileTooOpen, .behind, .undecided: .refused
        case .fileDamaged, .fileInaccessible: .failed
        }
    }

    private static func status(of error: ArchiveError) -> ExitStatus {
        switch error {
        case .noSuchHold, .noSuchChannel, .noSuchMessage, .noSuchToken, .noSuchGrant,
            .noSuchRequest, .noSuchSubject, .noSuchTombstone:
            .notFound
        case .onHold, .sharedChannels, .alreadyRegistered, .forgotten, .wrongState,
            .tooManySideKeys, .tooManySubjects, .tooManyGrants,
            .consentExists, .consentChannel, .providerKeyExists,
            .tooManyProviderKeys, .tooManyEarlierChains, .handOverForOthers:
            .refused
        case .purposeTooLong, .sideKeyMissing, .sideKeyNotWanted, .labelTooLong, .subjectMalformed,
            .reasonTooLong, .periodNotBegun, .grantMalformed, .consentMalformed,
            .handOverMalformed:
            .usedWrongly
        default: .failed
        }
    }

    private static func status(of error: VaultError) -> ExitStatus {
        switch error {
        case .ringMissing: .notFound
        case .ringExists, .ringTooOpen, .ringReplaced, .ringWentBack, .ringUnsupported,
            .restoreRefused, .ringLocked:
            .refused
        default: .failed
        }
    }

    private static func status(of error: AssemblyError) -> ExitStatus {
        switch error {
        case .noSchema: .notFound
        case .schemaOutdated, .schemaNewer, .archiveExists: .refused
        case .unreadableTLSFile, .roleEnded, .shutdownTooSlow: .failed
        }
    }
}
