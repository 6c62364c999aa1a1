import Failures
import Vault

/// What keeps the archive from doing what it was asked.
package enum ArchiveError: Failure, Equatable {
    case noSuchChannel(ChannelNumber)
    case noSuchMessage(ChannelNumber, sequence: Int64)
    case noSuchToken
    case noSuchGrant
    /// No message can lie within a grant's bounds.
    case grantMalformed
    case tooManyGrants(limit: Int)
    /// A consent channel is a private channel of one person, kept as a whole.
    case consentMalformed
    /// The person has a consent channel, this one.
    case consentExists(ChannelNumber)
    /// What would change what a consent channel says: parts of it go with the whole alone.
    case consentChannel(ChannelNumber)
    case noSuchRequest
    case noSuchSubject
    /// The root is registered already, as this channel.
    case alreadyRegistered(ChannelNumber)
    /// The root was forgotten, and stays so.
    case forgotten
    case sideKeyMissing
    /// A side key for a channel whose mode has none.
    case sideKeyNotWanted
    case tooManySideKeys(limit: Int)
    case tooManyEarlierChains(limit: Int)
    /// The archive has this key pair under this address.
    case providerKeyExists
    case tooManyProviderKeys(limit: Int)
    /// What was handed over of a channel holds no root and side key.
    case handOverMalformed
    /// What was handed over is encrypted for none of the archive's provider keys.
    case handOverForOthers
    case labelTooLong(limit: Int)
    case purposeTooLong(limit: Int)
    case subjectMalformed(limit: Int)
    case tooManySubjects(limit: Int)
    /// Channels that are the data of others, too, and would go with one person's.
    case sharedChannels([ChannelNumber])
    case reasonTooLong(limit: Int)
    /// A legal hold stands against a forget.
    case onHold
    case noSuchHold
    /// No tombstone of a root stands.
    case noSuchTombstone
    /// Reads could not be recorded for too long, so no more are served.
    case auditBehind
    /// A month that is still to come cannot be forgotten.
    case periodNotBegun(Period)
    /// The channel is in a state in which this cannot be done.
    case wrongState(ChannelNumber, ChannelState)
    /// Somebody else took the channel over since the epoch was read.
    case fenced(ChannelNumber)
    /// The database went away during a commit that does no harm when it is repeated.
    case interrupted
    /// A stored value that does not open or does not parse.
    case damaged(table: String, channel: ChannelNumber)
    /// The same of one message.
    case damagedMessage(ChannelNumber, sequence: Int64)
    /// The database has another version of the schema than this program.
    case schemaVersion(found: Int, expected: Int)
    /// A stored number that is beyond those a channel, subject or request can have.
    case notANumber

    package var code: String {
        switch self {
        case .noSuchChannel: "archive.no-such-channel"
        case .noSuchMessage: "archive.no-such-message"
        case .noSuchToken: "archive.no-such-token"
        case .noSuchGrant: "archive.no-such-grant"
        case .grantMalformed: "archive.grant-malformed"
        case .tooManyGrants: "archive.too-many-grants"
        case .consentMalformed: "archive.consent-malformed"
        case .consentExists: "archive.consent-exists"
        case .consentChannel: "archive.consent-channel"
        case .noSuchRequest: "archive.no-such-request"
        case .noSuchSubject: "archive.no-such-subject"
        case .alreadyRegistered: "archive.already-registered"
        case .forgotten: "archive.forgotten"
        case .sideKeyMissing: "archive.side-key-missing"
        case .sideKeyNotWanted: "archive.side-key-not-wanted"
        case .tooManySideKeys: "archive.too-many-side-keys"
        case .tooManyEarlierChains: "archive.too-many-earlier-chains"
        case .providerKeyExists: "archive.provider-key-exists"
        case .tooManyProviderKeys: "archive.too-many-provider-keys"
        case .handOverMalformed: "archive.hand-over-malformed"
        case .handOverForOthers: "archive.hand-over-for-others"
        case .labelTooLong: "archive.label-too-long"
        case .purposeTooLong: "archive.purpose-too-long"
        case .subjectMalformed: "archive.subject-malformed"
        case .tooManySubjects: "archive.too-many-subjects"
        case .sharedChannels: "archive.shared-channels"
        case .reasonTooLong: "archive.reason-too-long"
        case .auditBehind: "archive.audit-behind"
        case .onHold: "archive.on-hold"
        case .noSuchHold: "archive.no-such-hold"
        case .noSuchTombstone: "archive.no-such-tombstone"
        case .periodNotBegun: "archive.period-not-begun"
        case .wrongState: "archive.wrong-state"
        case .fenced: "archive.fenced"
        case .interrupted: "archive.interrupted"
        case .damaged, .damagedMessage: "archive.damaged"
        case .schemaVersion: "archive.schema-version"
        case .notANumber: "archive.not-a-number"
        }
    }

    package var operation: String {
        switch self {
        case .noSuchChannel: "find a channel"
        case .noSuchMessage: "find a message"
        case .noSuchToken: "find a token"
        case .noSuchGrant: "find a grant"
        case .grantMalformed, .tooManyGrants: "give a grant"
        case .consentMalformed, .consentExists: "register a channel"
        case .consentChannel: "change a channel"
        case .noSuchRequest: "find a forget request"
        case .noSuchSubject: "find a subject"
        case .alreadyRegistered, .forgotten, .labelTooLong, .purposeTooLong, .handOverMalformed,
            .handOverForOthers, .subjectMalformed, .tooManySubjects:
            "register a channel"
        case .sideKeyMissing, .sideKeyNotWanted, .tooManySideKeys: "take a side key"
        case .providerKeyExists, .tooManyProviderKeys: "keep a provider key"
        case .auditBehind: "record a read"
        case .reasonTooLong, .periodNotBegun: "take a forget request"
        case .onHold, .sharedChannels: "take a forget request"
        case .noSuchHold: "lift a hold"
        case .noSuchTombstone: "lift a tombstone"
        case .wrongState, .tooManyEarlierChains: "change a channel"
        case .fenced, .interrupted: "write for a channel"
        case .damaged, .damagedMessage, .notANumber: "read a stored value"
        case .schemaVersion: "use the database"
        }
    }

    package var subject: String? {
        switch self {
        case .noSuchChannel(let channel), .noSuchMessage(let channel, _),
            .alreadyRegistered(let channel), .wrongState(let channel, _), .fenced(let channel),
            .consentExists(let channel), .consentChannel(let channel),
            .damaged(_, let channel), .damagedMessage(let channel, _):
            channel.text
        default: nil
        }
    }

    package var retryable: Bool {
        switch self {
        case .fenced, .interrupted, .auditBehind: true
        default: false
        }
    }

    package var publicText: String {
        switch self {
        case .noSuchChannel: "there is no such channel"
        case .noSuchMessage(_, let sequence): "the channel has no message \(sequence)"
        case .noSuchToken: "there is no such token"
        case .noSuchGrant: "there is no such grant"
        case .grantMalformed: "a grant begins before it ends"
        case .tooManyGrants(let limit):
            "a token has at most \(limit) grants for a channel: revoke one first"
        case .consentMalformed:
            "a consent channel is a private channel of exactly one subject, without retention"
        case .consentExists: "the subject has a consent channel already"
        case .consentChannel:
            "a consent channel is kept or forgotten as a whole, and stays its subject's"
        case .noSuchRequest: "there is no such forget request"
        case .noSuchSubject: "there is no such subject"
        case .alreadyRegistered: "this root is registered already"
        case .forgotten: "this root was forgotten and is not taken again"
        case .sideKeyMissing: "a restricted channel needs a side key"
        case .sideKeyNotWanted: "only a restricted channel has side keys"
        case .tooManySideKeys(let limit): "a channel keeps at most \(limit) side keys"
        case .tooManyEarlierChains(let limit): "a channel has at most \(limit) earlier chains"
        case .providerKeyExists: "the archive has this provider key already"
        case .tooManyProviderKeys(let limit): "an archive has at most \(limit) provider keys"
        case .handOverMalformed:
            "this is no hand-over of a channel: {root, mamData: {root, sideKey}}"
        case .handOverForOthers:
            "the hand-over is encrypted for none of this archive's provider keys, or was changed"
        case .labelTooLong(let limit): "a label has at most \(limit) bytes"
        case .purposeTooLong(let limit): "a purpose has at most \(limit) bytes"
        case .subjectMalformed(let limit):
            "a subject is a pseudonym of 1 to \(limit) bytes without control characters"
        case .tooManySubjects(let limit): "a channel is the data of at most \(limit) people"
        case .sharedChannels(let channels):
            "the data of others, too: \(Self.list(channels)); say with shared whether to forget or to"
                + " leave it"
        case .reasonTooLong(let limit): "a reason has at most \(limit) bytes"
        case .onHold: "a legal hold stands against it: lift it first"
        case .noSuchHold: "there is no such hold"
        case .noSuchTombstone: "the root has no tombstone"
        case .auditBehind: "reads cannot be recorded now, so none are answered"
        case .periodNotBegun(let period): "\(period) has not begun, so there is nothing of it"
        case .wrongState(_, let state): "the channel is \(state.rawValue)"
        case .fenced: "somebody else took the channel over meanwhile"
        case .interrupted: "the database went away during a commit"
        case .damaged, .notANumber: "a stored value cannot be read"
        case .damagedMessage(_, let sequence): "message \(sequence) cannot be read"
        case .schemaVersion: "the database's schema is not this program's"
        }
    }

    /// Channels that a text names.
    private static let listed = 20

    private static func list(_ channels: [ChannelNumber]) -> String {
        let names = channels.prefix(listed).map(\.text).joined(separator: ", ")
        let rest = channels.count - listed
        return rest > 0 ? "\(names) and \(rest) more channels" : names
    }

    package var operatorText: String {
        switch self {
        case .damaged(let table, let channel):
            "a value of table \(table), channel \(channel.text), does not open or does not parse: "
                + "it was changed outside the archive, or the key ring is not the one it was sealed with"
        case .damagedMessage(let channel, let sequence):
            "message \(sequence) of channel \(channel.text) does not open or does not parse: "
                + "it was changed outside the archive, or the key ring is not the one it was sealed with"
        case .schemaVersion(let found, let expected):
            "the database has version \(found) of the schema and this program \(expected): "
                + "apply what is missing (permanode migrate), or run the newer program"
        case .sharedChannels(let channels):
            "the data of others, too: \(Self.list(channels)); give --including-shared to forget it for"
                + " all, or --leaving-shared to leave it to them"
        default: publicText
        }
    }
}
