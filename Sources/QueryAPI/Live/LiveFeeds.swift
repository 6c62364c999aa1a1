import Archive
import Failures
import Foundation
import Vault

/// Tells new messages to everybody who listens to their channels. Each is read and decrypted once
/// for all of a process.
///
/// Notifications make it quick; since they can get lost, the channels that are listened to are
/// asked for besides, all in one statement.
actor LiveFeeds {
    /// How often the database is asked while somebody listens.
    static let interval: Duration = .seconds(2)
    /// Every so many times, who hears nothing is shown that the stream is alive.
    static let intervalsPerBeat = 7
    /// Messages that are told together: few hundred kilobytes mostly.
    private static let batch = 250
    /// Channels that are read at once, so that others get connections to the database, too.
    private static let channelsAtOnce = 4

    private struct Feed {
        /// Tells it from one that is made when all have left it.
        let number: UInt64
        var reading: MessageReading
        /// Up to which sequence all was told.
        var last: Int64
        /// How many messages the channel had when it was last read to its end.
        var readTo: Int64 = 0
        var listeners: [ObjectIdentifier: Listener] = [:]
        /// There may be more than was read.
        var isStale = false
        var isReading = false
    }

    private let archive: Archive
    private var feeds: [ChannelNumber: Feed] = [:]
    private var lastNumber: UInt64 = 0
    private var readers = 0
    private var work: Task<Void, Never>?
    private var isStopped = false

    init(_ archive: Archive) { self.archive = archive }

    /// Lets a listener hear what comes after a sequence.
    ///
    /// - Returns: False where something after it was told already, which the listener has to read
    ///   first.
    func join(_ listener: Listener, _ channel: ChannelRecord, after last: Int64) -> Bool {
        guard !isStopped else {
            listener.end(.stopped)
            return true
        }
        let isNew = feeds[channel.id] == nil
        if isNew { lastNumber &+= 1 }
        var feed =
            feeds[channel.id]
            ?? Feed(
                number: lastNumber, reading: MessageReading(archive, channel: channel), last: last)
        guard feed.last <= last else { return false }
        feed.listeners[ObjectIdentifier(listener)] = listener
        feeds[channel.id] = feed
        // What was committed between the listener's reading and now, nobody has announced to it.
        if isNew { look(channel.id) }
        start()
        return true
    }

    func leave(_ listener: Listener, _ channel: ChannelNumber) {
        feeds[channel]?.listeners[ObjectIdentifier(listener)] = nil
        if feeds[channel]?.listeners.isEmpty == true { feeds[channel] = nil }
        rest()
    }

    /// Ends every listener's stream, and lets no more in.
    func stop() {
        isStopped = true
        for feed in feeds.values {
            for listener in feed.listeners.values { listener.end(.stopped) }
        }
        feeds = [:]
        rest()
    }

    private func start() {
        guard work == nil else { return }
        work = Task {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.keepAsking() }
                group.addTask { await self.keepListening() }
            }
        }
    }

    private func rest() {
        guard feeds.isEmpty else { return }
        work?.cancel()
        work = nil
    }

    private func keepAsking() async {
        var count = 0
        while (try? await Task.sleep(for: Self.interval)) != nil {
            count += 1
            if count.isMultiple(of: Self.intervalsPerBeat) { beat() }
            await ask()
        }
    }

    private func beat() {
        for feed in feeds.values {
            for listener in feed.listeners.values { listener.beat() }
        }
    }

    private func keepListening() async {
        while !Task.isCancelled {
            if let channels = try? await archive.messageAnnouncements() {
                // What was announced before is asked for.
                await ask()
                for await channel in channels { look(channel) }
            }
            // The connection is gone: asking goes on meanwhile.
            do { try await Task.sleep(for: Self.interval) } catch { return }
        }
    }

    private func ask() async {
        guard !feeds.isEmpty, let counts = try? await archive.messageCounts(of: Set(feeds.keys))
        else { return }
        for (channel, count) in counts where feeds[channel].map({ $0.readTo < count }) == true {
            look(channel)
        }
    }

    /// Has what is new of a channel read, if anybody listens to it.
    private func look(_ channel: ChannelNumber) {
        feeds[channel]?.isStale = true
        readOn()
    }

    private func readOn() {
        for (channel, feed) in feeds where feed.isStale && !feed.isReading {
            guard readers < Self.channelsAtOnce else { return }
            readers += 1
            feeds[channel]?.isReading = true
            Task { await self.read(channel, feed.number) }
        }
    }

    private func read(_ channel: ChannelNumber, _ number: UInt64) async {
        do {
            while let feed = feeds[channel], feed.number == number, feed.isStale {
                try await tellNews(of: channel, number)
            }
        } catch {
            // What passes is tried again with the next look.
            let isOver = (error as? any Failure)?.retryable != true
            if isOver, feeds[channel]?.number == number { end(channel, error) }
        }
        readers -= 1
        if feeds[channel]?.number == number { feeds[channel]?.isReading = false }
        readOn()
    }

    private func tellNews(of channel: ChannelNumber, _ number: UInt64) async throws {
        feeds[channel]?.isStale = false
        let count = try await archive.messageCounts(of: [channel])[channel]
        while let feed = feeds[channel], feed.number == number {
            let (stored, next) = try await archive.messages(
                of: channel, MessageRange(),
                after: MessageKey(sequence: feed.last, position: 0, leaf: 0), limit: Self.batch,
                recorded: false)
            var reading = feed.reading
            let news = try await reading.events(of: stored, in: channel, archive.vault)
            guard let last = stored.last?.sequence else { break }
            // Those of now: some joined or left meanwhile.
            guard let listeners = feeds[channel]?.listeners, feeds[channel]?.number == number else {
                return
            }
            feeds[channel]?.reading = reading
            feeds[channel]?.last = last
            for listener in listeners.values { listener.offer(news) }
            if next == nil { break }
        }
        if feeds[channel]?.number == number { feeds[channel]?.readTo = count ?? 0 }
    }

    private func end(_ channel: ChannelNumber, _ error: any Error) {
        for listener in (feeds[channel]?.listeners ?? [:]).values { listener.end(.failed(error)) }
        feeds[channel] = nil
        rest()
    }
}
