import Archive
import Erasure
import Foundation
import Vault

/// Texts by their names, of a document or of a form.
protocol RequestFields {
    /// Nil where it is absent.
    func text(_ name: String) throws(RequestError) -> String?
}

extension RequestBody: RequestFields {}
extension FormBody: RequestFields {}

/// What a request to forget asks for.
struct ForgetAsked {
    /// What it is about.
    static let fields = ["subject", "channel", "from", "to", "shared"]
    /// And what else it says when it is made.
    static let more = ["reason", "identity"]

    let selector: ForgetSelector
    let shared: SharedChannels
    private let opening: RequestLife.Opening
    private let reason: String?

    /// - Throws: `RequestError`, also for a channel that the caller may not know of.
    init(_ fields: some RequestFields, _ call: Call, _ archive: Archive) async throws {
        let periods = try Self.periods(fields)
        switch (
            try await Self.subject(fields, call, archive),
            try await Self.channel(fields, call, archive), periods
        ) {
        case (let subject?, nil, nil): selector = .subject(subject)
        case (nil, let channel?, _):
            selector = periods.map { .period(channel, $0) } ?? .channel(channel)
        case (nil, nil, .some): throw RequestError.fieldMissing("channel")
        default: throw RequestError.subjectOrChannel
        }
        shared = try Self.shared(fields, selector, call)
        reason = try fields.text("reason")
        opening = try Self.opening(fields, call)
    }

    func plan(_ archive: Archive) async throws -> ForgetPlan {
        try await archive.planForget(selector, shared: shared)
    }

    func receive(_ archive: Archive, _ policy: RequestPolicy, now: Date) async throws
        -> ForgetRequestRecord
    {
        try await archive.receiveForgetRequest(
            selector, shared: shared, reason: reason, opening: opening, policy: policy, now: now)
    }

    /// How far it is from the start. An admin's word stands for the person's identity, unless
    /// he says otherwise, and for the approval; a person's own token for his identity alone.
    private static func opening(_ fields: some RequestFields, _ call: Call) throws(RequestError)
        -> RequestLife.Opening
    {
        let identity = try fields.text("identity")
        guard call.isAdmin else { return .checked }
        switch identity {
        case nil, "checked": return .approved
        case "open": return .received
        default: throw .field("identity", wanted: "checked or open")
        }
    }

    /// What becomes of channels that are others' data, too. An admin who names a channel means it;
    /// everybody else has to say so.
    private static func shared(
        _ fields: some RequestFields, _ selector: ForgetSelector, _ call: Call
    ) throws(RequestError) -> SharedChannels {
        let isOfPerson = if case .subject = selector { true } else { false }
        switch try fields.text("shared") {
        case nil: return call.isAdmin && !isOfPerson ? .forget : .refuse
        case "forget": return .forget
        case "leave" where isOfPerson: return .leave
        default: throw .field("shared", wanted: "forget, or with a person leave")
        }
    }

    /// The pseudonym named; of a person's own token, that of the person where no channel is.
    private static func subject(
        _ fields: some RequestFields, _ call: Call, _ archive: Archive
    ) async throws -> String? {
        let named = try fields.text("subject")
        guard let subject = call.caller?.subject else { return named }
        guard named == nil else {
            throw RequestError.field("subject", wanted: "for a person's own token: it is his")
        }
        guard try fields.text("channel") == nil else { return nil }
        return try await archive.pseudonym(of: subject)
    }

    /// The channel named, of those the caller may know of.
    private static func channel(
        _ fields: some RequestFields, _ call: Call, _ archive: Archive
    ) async throws -> ChannelNumber? {
        guard let text = try fields.text("channel") else { return nil }
        guard let number = ChannelNumber(text: text) else { throw RequestError.noSuchChannel }
        if !call.isAdmin { _ = try await archive.channel(number, within: call.scope) }
        return number
    }

    /// Of the fields `from` and `to`, of which one does not stand without the other.
    private static func periods(_ fields: some RequestFields) throws -> ClosedRange<Period>? {
        let (from, to) = (try fields.text("from"), try fields.text("to"))
        guard from != nil || to != nil else { return nil }
        guard let from else { throw RequestError.fieldMissing("from") }
        guard let to else { throw RequestError.fieldMissing("to") }
        guard let first = Period(text: from) else {
            throw RequestError.field("from", wanted: "a month, as 2021-05")
        }
        guard let last = Period(text: to), first <= last else {
            throw RequestError.field("to", wanted: "a month, as 2021-05, not before from")
        }
        return first...last
    }
}
