import Archive
import Failures
import Foundation
import MAM
import Ternary
import Vault

/// Why a stored message cannot be told.
package enum ReadingError: Failure, Equatable {
    /// What is stored does not decrypt to a message.
    case unreadable(ChannelNumber, sequence: Int64, ReadError)
    /// The side key that opened the message is not among the channel's.
    case sideKeyGone(ChannelNumber, sequence: Int64)

    package var code: String {
        switch self {
        case .unreadable: "messages.unreadable"
        case .sideKeyGone: "messages.side-key-gone"
        }
    }

    package var operation: String { "decrypt a message" }

    package var subject: String? {
        switch self {
        case .unreadable(let channel, _, _), .sideKeyGone(let channel, _): channel.text
        }
    }

    package var publicText: String {
        switch self {
        case .unreadable(_, let sequence, _): "message \(sequence) cannot be decrypted"
        case .sideKeyGone(_, let sequence): "the side key of message \(sequence) is missing"
        }
    }

    package var operatorText: String {
        guard case .unreadable(_, _, let error) = self else { return publicText }
        return "\(publicText): \(error.operatorText)"
    }
}

/// Decrypts a channel's stored messages, batch after batch.
///
/// Every message becomes a document or the batch an error that names it: none is left out.
package struct MessageReading: Sendable {
    /// Messages that one task decrypts: enough to fill the lanes of a vector, few enough that
    /// others get their turn between two.
    private static let messagesPerTask = 256

    private let archive: Archive
    private let channel: ChannelNumber
    private let mode: ChannelMode
    private var sideKeys: [Int16: SideKey] = [:]

    package init(_ archive: Archive, channel: ChannelRecord) {
        self.archive = archive
        self.channel = channel.id
        mode = channel.mode
    }

    /// One document a message, in the same order.
    ///
    /// - Throws: `ReadingError`; `ArchiveError.noSuchChannel` where the channel was forgotten
    ///   meanwhile; `CancellationError`.
    package mutating func documents(of messages: [StoredMessage]) async throws
        -> [MessageDocument]
    {
        try await parts(of: messages, Self.read) { $0 }.flatMap { $0 }
    }

    /// The same as NDJSON.
    mutating func lines(of messages: [StoredMessage]) async throws -> [UInt8] {
        try await text(of: messages) { MessageDocument.lines($0) }
    }

    /// The same as records of CSV, without the names of the columns.
    mutating func csv(of messages: [StoredMessage]) async throws -> [UInt8] {
        try await text(of: messages) { MessageDocument.csv($0) }
    }

    private mutating func text(
        of messages: [StoredMessage], _ form: @escaping @Sendable ([MessageDocument]) -> [UInt8]
    ) async throws -> [UInt8] {
        let parts = try await parts(of: messages, Self.read, form)
        var text: [UInt8] = []
        text.reserveCapacity(parts.reduce(0) { $0 + $1.count })
        for part in parts { text += part }
        return text
    }

    /// What `form` makes of some messages each, in their order: of these alone, without what is
    /// known of them.
    mutating func contents<Part: Sendable>(
        of messages: [StoredMessage], _ form: @escaping @Sendable ([Message]) -> Part
    ) async throws -> [Part] {
        try await parts(of: messages, Self.decrypt, form)
    }

    private typealias Read<Item> =
        @Sendable (
            ArraySlice<StoredMessage>, ChannelNumber, ChannelMode, [Int16: SideKey]
        ) throws -> [Item]

    /// What `form` makes of what was read of some messages each, on all processors.
    private mutating func parts<Item, Part: Sendable>(
        of messages: [StoredMessage], _ read: @escaping Read<Item>,
        _ form: @escaping @Sendable ([Item]) -> Part
    ) async throws -> [Part] {
        try await loadSideKeys(for: messages)
        let (channel, mode, sideKeys) = (channel, mode, sideKeys)
        let starts = stride(from: 0, to: messages.count, by: Self.messagesPerTask)
        return try await withThrowingTaskGroup(of: (Int, Part).self) { group in
            for start in starts {
                let part = messages[start..<min(start + Self.messagesPerTask, messages.count)]
                group.addTask {
                    try Task.checkCancellation()
                    return (start, form(try read(part, channel, mode, sideKeys)))
                }
            }
            var parts: [Int: Part] = [:]
            for try await (start, part) in group { parts[start] = part }
            return starts.compactMap { parts[$0] }
        }
    }

    /// Keys may be added while a long answer is read.
    private mutating func loadSideKeys(for messages: [StoredMessage]) async throws {
        guard messages.contains(where: { $0.sideKey.map { sideKeys[$0] == nil } ?? false }) else {
            return
        }
        do {
            sideKeys = try await archive.sideKeys(of: channel)
        } catch VaultError.forgotten {
            throw ArchiveError.noSuchChannel(channel)
        }
        guard messages.contains(where: { $0.sideKey.map { sideKeys[$0] == nil } ?? false }) else {
            return
        }
        // A forget takes keys as well; otherwise one is missing that should be there.
        guard try await archive.channel(channel).state != .forgotten else {
            throw ArchiveError.noSuchChannel(channel)
        }
    }

    @Sendable private static func decrypt(
        _ messages: ArraySlice<StoredMessage>, of channel: ChannelNumber, _ mode: ChannelMode,
        _ sideKeys: [Int16: SideKey]
    ) throws -> [Message] {
        let requests = try messages.map { message in
            let sideKey = message.sideKey.flatMap { sideKeys[$0] }
            guard message.sideKey == nil || sideKey != nil else {
                throw ReadingError.sideKeyGone(channel, sequence: message.sequence)
            }
            return try message.head.request(sideKey: sideKey)
        }
        return try zip(messages, MessageReader.read(requests, .alreadyVerified)).map {
            stored, result in
            do throws(ReadError) {
                return try result.get()
            } catch {
                throw ReadingError.unreadable(channel, sequence: stored.sequence, error)
            }
        }
    }

    @Sendable private static func read(
        _ messages: ArraySlice<StoredMessage>, of channel: ChannelNumber, _ mode: ChannelMode,
        _ sideKeys: [Int16: SideKey]
    ) throws -> [MessageDocument] {
        let addresses = addresses(of: messages, mode)
        let decrypted = try decrypt(messages, of: channel, mode, sideKeys)
        return zip(zip(messages, addresses), decrypted).map { message, decrypted in
            MessageDocument(message.0, decrypted, address: message.1)
        }
    }

    /// Of each message. Those of a tree share one, which takes as long as a short message.
    private static func addresses(
        of messages: ArraySlice<StoredMessage>, _ mode: ChannelMode
    ) -> [Hash] {
        var roots: [Root] = []
        var places: [Root: Int] = [:]
        let placeOfMessage = messages.map { message in
            let root = message.head.root
            if let place = places[root] { return place }
            places[root] = roots.count
            roots.append(root)
            return roots.count - 1
        }
        let addresses = ChannelAddress.addresses(of: roots, mode: mode)
        return placeOfMessage.map { addresses[$0] }
    }
}
