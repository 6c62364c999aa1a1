import Archive
import Diagnostics
import Foundation
import NodeClient
import NodeFeed
import Postgres
import QueryAPI
import Vault

/// What the environment says, read once at the start. Texts of it that may hold passwords
/// (database, nodes) are kept in types that do not show them.
package struct Configuration: Sendable {
    /// The names of the variables.
    package enum Variable: String, Sendable, CaseIterable {
        /// A file that sets any of the others, and is read again on SIGHUP.
        case environmentFile = "PERMANODE_ENVIRONMENT_FILE"
        /// A libpq URI.
        case databaseURL = "PERMANODE_DATABASE_URL"
        /// Libpq URIs of streaming replicas to read messages from, separated by commas.
        case readURLs = "PERMANODE_READ_URLS"
        /// How old what is read from a replica may be, such as `5s`.
        case readStaleness = "PERMANODE_READ_STALENESS"
        /// URLs of nodes, separated by commas.
        case nodes = "PERMANODE_NODES"
        /// Where nodes publish what they hear of over ZeroMQ, separated by commas.
        case nodeFeeds = "PERMANODE_NODE_FEEDS"
        /// The coordinator's address of the network to follow: 81 trytes.
        case coordinator = "PERMANODE_COORDINATOR"
        /// The key ring's file.
        case keyRing = "PERMANODE_KEYRING"
        /// Files that hold copies of the key ring, separated by commas.
        case keyRingBackups = "PERMANODE_KEYRING_BACKUPS"
        /// A file with the passphrase that the key ring is wrapped under; or one with a key; or a
        /// command that prints the key.
        case keyRingPassphraseFile = "PERMANODE_KEYRING_PASSPHRASE_FILE"
        case keyRingKeyFile = "PERMANODE_KEYRING_KEY_FILE"
        case keyRingCommand = "PERMANODE_KEYRING_COMMAND"
        /// Address and port; `127.0.0.1:8480` where it is not set.
        case listen = "PERMANODE_LISTEN"
        /// Address and port for health, readiness and metrics alone, over plain HTTP; off where it is not set.
        case probes = "PERMANODE_PROBE_LISTEN"
        /// A PEM file with the certificate chain.
        case tlsCertificate = "PERMANODE_TLS_CERT"
        /// A PEM file with its private key.
        case tlsKey = "PERMANODE_TLS_KEY"
        /// `yes`: a proxy in front ends TLS, so plain HTTP beyond loopback is meant.
        case proxyEndsTLS = "PERMANODE_PROXY_ENDS_TLS"
        /// A URL that is told whose reading was forgotten.
        case webhook = "PERMANODE_WEBHOOK_URL"
        /// `admin` (the default) or `second`: who has to approve a request to forget.
        case forgetApproval = "PERMANODE_FORGET_APPROVAL"
        /// Seconds between the approval of a request to forget and its execution.
        case forgetDelay = "PERMANODE_FORGET_DELAY"
        /// After how many days a copy of the key ring that no forget reached is gone, such as
        /// `30d`; for receipts.
        case keyRingBackupExpiry = "PERMANODE_KEYRING_BACKUP_EXPIRY"
        /// After how many days backups of the database are gone, such as `35d`; for receipts.
        case backupExpiry = "PERMANODE_BACKUP_EXPIRY"
        /// How long deleted rows wait for a vacuum at most, such as `10m`.
        case vacuumInterval = "PERMANODE_VACUUM_INTERVAL"
        /// Room on the database's disk that crawling leaves to reading and forgetting, such as `64M`.
        case diskReserve = "PERMANODE_DISK_RESERVE"
        /// `on`: the commands of a node are answered about channels that have them on.
        case nodeInterface = "PERMANODE_NODE_INTERFACE"
        /// A URL of a node that takes the commands that write.
        case nodeForward = "PERMANODE_NODE_FORWARD"
        /// Commands a second of one client address.
        case nodeRate = "PERMANODE_NODE_RATE"
        /// Requests a second of one token, and of one client address.
        case tokenRate = "PERMANODE_TOKEN_RATE"
        case addressRate = "PERMANODE_ADDRESS_RATE"
        case logLevel = "PERMANODE_LOG_LEVEL"
        case logFormat = "PERMANODE_LOG_FORMAT"
    }

    /// Between approval and execution unless set otherwise: whoever forgets the wrong person's
    /// data by a slip notices within the hour.
    package static let forgetDelay: TimeInterval = 3600

    /// A week: longer would leave too little of the month in which a request is due.
    package static let longestForgetDelay: TimeInterval = 7 * 86_400

    /// MiB: some pieces of the write-ahead log and a million records of who read what.
    private static let diskReserve = 64

    /// What a command cannot do without.
    package enum Need: Sendable, CaseIterable {
        case database, keyRing, nodes, listener
    }

    /// Files a listener with TLS speaks with.
    package struct TLSFiles: Sendable, Equatable {
        package let certificate: String
        package let key: String

        package init(certificate: String, key: String) {
            self.certificate = certificate
            self.key = key
        }
    }

    package let database: PostgresConfiguration?
    package let readDatabases: [PostgresConfiguration]
    /// How old what is read from those may be.
    package let readStaleness: Duration
    package let nodes: [NodeEndpoint]
    package let nodeFeeds: [FeedEndpoint]
    /// By what the nodes are judged.
    package let census: NodeCensus.Policy
    /// A path; nil where none is set.
    package let keyRing: String?
    /// Paths of copies of the key ring, which a forget changes with it.
    package let keyRingBackups: [String]
    /// Where the secret is that the key ring is wrapped under; nil where it is not.
    package let keyRingSecret: RingSecretSource?
    package let listen: ListenAddress
    /// Where to answer health, readiness and metrics alone; nil where that is not wanted.
    package let probes: ListenAddress?
    package let tls: TLSFiles?
    package let proxyEndsTLS: Bool
    /// What a request over HTTP takes before it is carried out; at the command line it is
    /// carried out at once.
    package let requestPolicy: RequestPolicy
    /// Told on a forget whose recipients have to be; nil where none is set.
    package let webhook: NodeEndpoint?
    /// Days; nil where none are set.
    package let backupExpiryDays: Int?
    /// Days; nil where none are set.
    package let keyRingBackupExpiryDays: Int?
    /// Minutes; nil where none are set.
    package let vacuumMinutes: Int?
    /// Bytes.
    package let diskReserve: Int
    /// How the commands of a node are answered; nil does not answer them.
    package let nodeInterface: NodeInterfaceSettings?
    /// How often clients may ask, but for the commands of a node.
    package let requestRates: RequestRates
    /// Nil where none is set: services then say more than single commands.
    package let logLevel: LogLevel?
    package let logFormat: LogFormat
    /// Tells of each variable that is set whether it is another one later, without keeping what it
    /// says.
    private let fingerprints: [Variable: Int]

    /// Reads all variables, needed or not, and finds all problems before it gives up. A
    /// variable that is empty counts as not set, and one of `PERMANODE_ENVIRONMENT_FILE` before one
    /// of the process's own environment.
    ///
    /// - Throws: `ConfigurationError` with every problem there is.
    package init(
        _ environment: [String: String], needs: Set<Need> = []
    ) throws(ConfigurationError) {
        var reader = EnvironmentReader(environment)
        fingerprints = reader.fingerprints
        database = reader.database(needed: needs.contains(.database))
        readDatabases = reader.readDatabases()
        readStaleness =
            reader.count(.readStaleness, of: "s", in: 1...3600).map { .seconds($0) }
            ?? Replicas.defaultBound
        nodes = reader.nodes(needed: needs.contains(.nodes))
        nodeFeeds = reader.nodeFeeds()
        census = reader.census()
        keyRing = reader.text(.keyRing, needed: needs.contains(.keyRing))
        keyRingBackups = reader.paths(.keyRingBackups, otherThan: keyRing)
        keyRingSecret = reader.ringSecret()
        listen = reader.listen(.listen) ?? .default
        probes = reader.listen(.probes)
        tls = reader.tls(needed: needs.contains(.listener))
        proxyEndsTLS = reader.choice(.proxyEndsTLS, ["yes": true, "no": false]) ?? false
        webhook = reader.endpoint(.webhook)
        requestPolicy = RequestPolicy(
            secondPerson: reader.choice(
                .forgetApproval, ["admin": false, "second": true]) ?? false,
            delay: reader.seconds(.forgetDelay, in: 0...Self.longestForgetDelay)
                ?? Self.forgetDelay)
        keyRingBackupExpiryDays = reader.count(.keyRingBackupExpiry, of: "d", in: 0...36_500)
        backupExpiryDays = reader.count(.backupExpiry, of: "d", in: 0...36_500)
        vacuumMinutes = reader.count(.vacuumInterval, of: "m", in: 0...10_080)
        let reserve = reader.count(.diskReserve, of: "M", in: 0...65_536)
        diskReserve = (reserve ?? Self.diskReserve) << 20
        nodeInterface = reader.nodeInterface(isBehindProxy: proxyEndsTLS)
        requestRates = reader.requestRates()
        logLevel = reader.choice(.logLevel, LogLevel.allCases.named)
        logFormat = reader.choice(.logFormat, LogFormat.allCases.named) ?? .text
        if needs.contains(.listener), !listen.isLoopback, tls == nil, !proxyEndsTLS,
            !reader.isSet(.tlsCertificate), !reader.isSet(.tlsKey)
        {
            reader.add(.listen, .unsafeListener)
        }
        guard reader.problems.isEmpty else {
            throw ConfigurationError(problems: reader.problems)
        }
    }

    /// The variables that say something else than they did.
    package func changes(since other: Configuration) -> Set<Variable> {
        Set(Variable.allCases.filter { fingerprints[$0] != other.fingerprints[$0] })
    }

    /// A log as the configuration wants it.
    /// - Parameter quietly: only warnings and errors unless a level is set.
    package func log(quietly: Bool) -> Log {
        Log(minimum: logLevel ?? (quietly ? .warning : .info), format: logFormat)
    }
}

extension Array where Element: RawRepresentable<String> {
    fileprivate var named: [String: Element] {
        Dictionary(map { ($0.rawValue, $0) }, uniquingKeysWith: { first, _ in first })
    }
}
