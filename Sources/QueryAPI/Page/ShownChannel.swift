import Archive
import HTTPServer
import Vault

/// A channel of which a page shows messages.
///
/// What is made of them is small enough to be sent at once, and goes out only if nothing of the
/// channel was forgotten or restricted meanwhile and the caller may still read it.
struct ShownChannel {
    let archive: Archive
    let record: ChannelRecord
    private let caller: Caller

    /// - Throws: `RequestError.noSuchChannel`; as `Archive.readable`.
    init(_ archive: Archive, _ call: Call) async throws {
        try await self.init(archive, archive.readable(call.channel(), within: call.scope), call)
    }

    init(_ archive: Archive, _ record: ChannelRecord, _ call: Call) throws(RequestError) {
        guard let caller = call.caller else { throw .unauthenticated(tokenGiven: false) }
        self.archive = archive
        self.record = record
        self.caller = caller
    }

    /// Messages in the order in which the archive took them in, or the latest first.
    ///
    /// - Returns: And where to go on; nil where there is nothing more now.
    func messages(after: MessageKey? = nil, latestFirst: Bool, limit: Int) async throws
        -> (messages: [MessageDocument], next: MessageKey?)
    {
        var range = MessageRange()
        range.descending = latestFirst
        let (stored, next) = try await archive.messages(
            of: record.id, range, after: after, limit: limit, within: caller.scope)
        return (try await documents(stored), next)
    }

    /// A message, and the bundles that prove it.
    func evidence(_ sequence: Int64) async throws
        -> (message: MessageDocument, attachments: [KeptAttachment])
    {
        let (stored, attachments) = try await archive.evidence(
            of: record, sequence: sequence, within: caller.scope)
        guard let message = try await documents([stored]).first else {
            throw RequestError.noSuchMessage
        }
        return (message, attachments)
    }

    private func documents(_ stored: [StoredMessage]) async throws -> [MessageDocument] {
        var reading = MessageReading(archive, channel: record)
        return try await reading.documents(of: stored)
    }

    /// To be called after everything was read.
    func checkStillShown() async throws {
        let scope: ChannelScope
        do {
            scope = try await archive.checkStillAllowed(caller, of: record.id)
        } catch ArchiveError.noSuchToken {
            throw RequestError.unauthenticated(tokenGiven: true)
        }
        guard
            try await archive.readable(record.id, within: scope).readersEpoch
                == record.readersEpoch
        else { throw ArchiveError.fenced(record.id) }
    }
}
