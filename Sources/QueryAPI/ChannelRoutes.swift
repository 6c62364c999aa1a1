import Archive
import Foundation
import HTTPServer
import MAM
import Vault

/// Registering, listing and administering channels.
struct ChannelRoutes: Sendable {
    /// Channels of a page unless asked otherwise.
    private static let defaultPage = 100

    let archive: Archive
    let clock: @Sendable () -> Date

    var routes: [Route] {
        [
            Route("POST", "/v1/channels", .admin, register),
            Route("GET", "/v1/channels", .reader, list),
            Route("GET", "/v1/channels/{id}", .reader, show),
            Route("GET", "/v1/channels/{id}/keys", .admin, keys),
            Route("POST", "/v1/channels/{id}/keys", .admin, addKey),
            Route("POST", "/v1/channels/{id}/pause", .admin, pause),
            Route("POST", "/v1/channels/{id}/resume", .admin, resume),
            Route("POST", "/v1/channels/{id}/restrict", .admin, restrict),
            Route("POST", "/v1/channels/{id}/lift", .admin, lift),
            Route("POST", "/v1/channels/{id}/retention", .admin, setRetention),
            Route("POST", "/v1/channels/{id}/subjects", .admin, changeSubjects),
            Route("POST", "/v1/channels/{id}/node-interface", .admin, setNodeInterface),
        ]
    }

    private struct Page: Encodable {
        let channels: [ChannelDocument]
        let next: String?
    }

    @Sendable private func register(_ call: Call) async throws -> HTTPResponse {
        let body = try RequestBody(
            call.request,
            known: [
                "root", "mode", "sideKey", "subject", "subjects", "label", "purpose", "basis",
                "retention", "consent", "device",
            ])
        let root = try body.root()
        guard let mode = ChannelMode(rawValue: try body.requiredText("mode")) else {
            let names = ChannelMode.allCases.map(\.rawValue).joined(separator: ", ")
            throw RequestError.field("mode", wanted: "one of \(names)")
        }
        let basis = try body.text("basis").map { text throws(RequestError) in
            guard let basis = LawfulBasis(rawValue: text) else {
                let names = LawfulBasis.allCases.map(\.rawValue).joined(separator: ", ")
                throw .field("basis", wanted: "one of \(names)")
            }
            return basis
        }
        var registration = ChannelRegistration(
            root: root, mode: mode,
            sideKey: try body.text("sideKey").map { text throws(RequestError) in
                try SideKey.named(text, field: "sideKey")
            },
            subjects: try body.texts("subjects") + (try body.text("subject").map { [$0] } ?? []),
            label: try body.text("label"),
            purpose: try body.text("purpose"), basis: basis,
            retention: try retention(body))
        registration.isConsent = try body.flag("consent")
        registration.device = try body.address("device")
        let id = try await archive.register(registration, now: clock())
        return .json(
            try await document(id, call), status: 201,
            headers: ["Location": "/v1/channels/\(id.text)"])
    }

    @Sendable private func list(_ call: Call) async throws -> HTTPResponse {
        let query = try RequestQuery(call.request, known: ["after", "limit"])
        let after = try query.text("after").map { text in
            guard let number = ChannelNumber(text: text) else { throw RequestError.cursor }
            return number
        }
        let limit =
            try query.integer("limit", in: 1...Archive.channelPageLimit) ?? Self.defaultPage
        let records = try await archive.channels(after: after, limit: limit, within: call.scope)
        return .json(
            Page(
                channels: records.map {
                    ChannelDocument(
                        $0, isAdmin: call.isAdmin, isLimited: call.scope.isLimited(to: $0.id))
                },
                next: records.count == limit ? records.last?.id.text : nil))
    }

    @Sendable private func show(_ call: Call) async throws -> HTTPResponse {
        .json(try await document(call.channel(), call))
    }

    /// A side key without the key.
    private struct Key: Encodable {
        let number: Int16
        /// The tree from which it opens messages; absent while that is not known.
        let firstPosition: Int64?
        let addedAt: Timestamp
    }

    private struct Keys: Encodable {
        let keys: [Key]
    }

    @Sendable private func keys(_ call: Call) async throws -> HTTPResponse {
        let record = try await archive.channel(call.channel(), within: call.scope)
        guard record.state != .forgotten else { throw ArchiveError.noSuchChannel(record.id) }
        return .json(
            Keys(
                keys: try await archive.keyEpochs(of: record.id).map {
                    Key(
                        number: $0.number, firstPosition: $0.firstPosition,
                        addedAt: Timestamp($0.addedAt))
                }))
    }

    @Sendable private func addKey(_ call: Call) async throws -> HTTPResponse {
        let channel = try call.channel()
        let body = try RequestBody(call.request, known: ["sideKey"])
        try await archive.add(
            .named(try body.requiredText("sideKey"), field: "sideKey"), to: channel, now: clock())
        return .json(try await document(channel, call))
    }

    @Sendable private func pause(_ call: Call) async throws -> HTTPResponse {
        let channel = try call.channel()
        try await archive.pause(channel)
        return .json(try await document(channel, call))
    }

    @Sendable private func resume(_ call: Call) async throws -> HTTPResponse {
        let channel = try call.channel()
        try await archive.resume(channel, now: clock())
        return .json(try await document(channel, call))
    }

    @Sendable private func restrict(_ call: Call) async throws -> HTTPResponse {
        let channel = try call.channel()
        try await archive.restrict(channel)
        return .json(try await document(channel, call))
    }

    @Sendable private func lift(_ call: Call) async throws -> HTTPResponse {
        let channel = try call.channel()
        try await archive.lift(channel, now: clock())
        return .json(try await document(channel, call))
    }

    @Sendable private func setRetention(_ call: Call) async throws -> HTTPResponse {
        let channel = try call.channel()
        let body = try RequestBody(call.request, known: ["retention"])
        try await archive.setRetention(try retention(body), of: channel)
        return .json(try await document(channel, call))
    }

    @Sendable private func changeSubjects(_ call: Call) async throws -> HTTPResponse {
        let channel = try call.channel()
        let body = try RequestBody(call.request, known: ["add", "remove"])
        try await archive.changeSubjects(
            of: channel, adding: body.texts("add"), removing: body.texts("remove"), now: clock())
        return .json(try await document(channel, call))
    }

    @Sendable private func setNodeInterface(_ call: Call) async throws -> HTTPResponse {
        let channel = try call.channel()
        let body = try RequestBody(call.request, known: ["nodeInterface"])
        let text = try body.text("nodeInterface")
        let asked = text.flatMap(NodeInterface.init)
        guard text == nil || asked != nil else {
            let names = NodeInterface.allCases.map(\.rawValue).joined(separator: ", ")
            throw RequestError.field("nodeInterface", wanted: "one of \(names), or null")
        }
        // What is stored already is made ready by upkeep.
        try await archive.setNodeInterface(asked, of: channel, now: clock())
        return .json(try await document(channel, call))
    }

    private func retention(_ body: RequestBody) throws(RequestError) -> Retention? {
        guard let text = try body.text("retention") else { return nil }
        guard let retention = Retention(text: text) else {
            throw .field(
                "retention", wanted: "months to keep, 1m to \(Retention.monthsLimit)m")
        }
        return retention
    }

    private func document(_ channel: ChannelNumber, _ call: Call) async throws
        -> ChannelDocument
    {
        ChannelDocument(
            try await archive.channel(channel, within: call.scope), isAdmin: call.isAdmin,
            isLimited: call.scope.isLimited(to: channel))
    }
}
