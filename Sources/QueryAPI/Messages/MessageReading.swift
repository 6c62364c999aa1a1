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
        try await parts(of: messages) { $0 }.flatMap { $0 }
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
        let parts = try await parts(of: messages, form)
        var text: [UInt8] = []
        text.reserveCapacity(parts.reduce(0) { $0 + $1.count })
        for part in parts { text += part }
        return text
    }

    /// What reads a channel's messages.
    struct Keys: Sendable {
        let channel: ChannelNumber
        let mode: ChannelMode
        fileprivate let sideKeys: [Int16: SideKey]

        /// - Parameter number: As a message names it.
        func sideKey(_ number: Int16?, of sequence: Int64) throws -> SideKey? {
            guard let number else { return nil }
            guard let sideKey = sideKeys[number] else {
                throw ReadingError.sideKeyGone(channel, sequence: sequence)
            }
            return sideKey
        }

        /// Messages that were verified when they were stored.
        func decrypted(_ requests: [ReadRequest], of sequences: [Int64]) throws -> [Message] {
            try zip(sequences, MessageReader.read(requests, .alreadyVerified)).map {
                sequence, result in
                do throws(ReadError) {
                    return try result.get()
                } catch {
                    throw ReadingError.unreadable(channel, sequence: sequence, error)
                }
            }
        }
    }

    private mutating func parts<Part: Sendable>(
        of messages: [StoredMessage], _ form: @escaping @Sendable ([MessageDocument]) -> Part
    ) async throws -> [Part] {
        try await parts(of: messages, sideKey: \.sideKey) { part, keys in
            form(try Self.read(part, keys))
        }
    }

    /// What `form` makes of some messages each, in their order, on all processors.
    mutating func parts<Stored: Sendable, Part: Sendable>(
        of messages: [Stored], sideKey: (Stored) -> Int16?,
        _ form: @escaping @Sendable (ArraySlice<Stored>, Keys) throws -> Part
    ) async throws -> [Part] {
        try await loadSideKeys(Set(messages.compactMap(sideKey)))
        let keys = Keys(channel: channel, mode: mode, sideKeys: sideKeys)
        let starts = stride(from: 0, to: messages.count, by: Self.messagesPerTask)
        return try await withThrowingTaskGroup(of: (Int, Part).self) { group in
            for start in starts {
                let part = messages[start..<min(start + Self.messagesPerTask, messages.count)]
                group.addTask {
                    try Task.checkCancellation()
                    return (start, try form(part, keys))
                }
            }
            var parts: [Int: Part] = [:]
            for try await (start, part) in group { parts[start] = part }
            return starts.compactMap { parts[$0] }
        }
    }

    /// Keys may be added while a long answer is read.
    private mutating func loadSideKeys(_ numbers: Set<Int16>) async throws {
        guard !numbers.allSatisfy({ sideKeys[$0] != nil }) else { return }
        do {
            sideKeys = try await archive.sideKeys(of: channel)
        } catch VaultError.forgotten {
            throw ArchiveError.noSuchChannel(channel)
        }
        guard !numbers.allSatisfy({ sideKeys[$0] != nil }) else { return }
        // A forget takes keys as well; otherwise one is missing that should be there.
        guard try await archive.channel(channel).state != .forgotten else {
            throw ArchiveError.noSuchChannel(channel)
        }
    }

    private static func read(
        _ messages: ArraySlice<StoredMessage>, _ keys: Keys
    ) throws -> [MessageDocument] {
        let addresses = addresses(of: messages, keys.mode)
        let requests = try messages.map {
            try $0.head.request(sideKey: keys.sideKey($0.sideKey, of: $0.sequence))
        }
        let decrypted = try keys.decrypted(requests, of: messages.map(\.sequence))
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
